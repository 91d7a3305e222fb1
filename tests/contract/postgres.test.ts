/** The contract suite over PostgreSQL, each node with connections of its own. */
import { afterAll, beforeAll, describe } from 'vitest'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { doorbellContract } from './doorbell-contract.ts'
import { logContract } from './log-contract.ts'
import { passedContract } from './passed-contract.ts'
import { postgres } from './postgres-kind.ts'
import { storeContract } from './store-contract.ts'
import { tailContract } from './tail-contract.ts'

let server: PostgresServer | undefined

describe.skipIf(!hasPostgres())('PostgreSQL', () => {
  beforeAll(async () => {
    server = await PostgresServer.start()
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  const kind = postgres(() => {
    if (!server) throw new Error('PostgreSQL has not been started')
    return server
  })
  storeContract(kind)
  logContract(kind)
  tailContract(kind)
  doorbellContract(kind)
  passedContract(kind)
})
