/** The contract suite over SQLite, while a second process writes to the same file. */
import { afterAll } from 'vitest'
import { doorbellContract } from './doorbell-contract.ts'
import { twoProcesses } from './kinds.ts'
import { logContract } from './log-contract.ts'
import { passedContract } from './passed-contract.ts'
import { storeContract } from './store-contract.ts'
import { tailContract } from './tail-contract.ts'

const kind = twoProcesses()
afterAll(() => kind.stop())

storeContract(kind)
logContract(kind)
tailContract(kind)
doorbellContract(kind)
passedContract(kind)
