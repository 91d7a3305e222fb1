/** The doctor in front of the proxies of the documents, each with the file that is shown there: nothing is in the way. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { examined, type Findings, inTurn, named } from '../support/doctor.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { isInstalled, PROXIES, startProxy } from './programs.ts'

const kinds = PROXIES.filter(isInstalled)
let server: TestServer
let findings: readonly Findings[]
beforeAll(async () => {
  server = await startTestServer({ heartbeatMs: 400 })
  findings = await inTurn(4, kinds, async (kind) => {
    await using proxy = await startProxy(kind, server.port)
    return await examined(proxy.url)
  })
}, 60_000)
afterAll(() => server?.[Symbol.asyncDispose]())

test.skipIf(kinds.length === 0).each(kinds.map(({ name }, at) => [name, at] as const))(
  '[CMD35a] behind %s, as documented, no probe fails or is skipped',
  (_, at) => {
    const found = findings[at] ?? {}
    expect([...named(found, 'fail'), ...named(found, 'skip')].map((probe) => [probe, found])).toEqual([])
    expect(Object.keys(found)).toHaveLength(11)
  },
)
