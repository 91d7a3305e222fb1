/** The contract suite over SQLite, each node with a connection of its own. */
import { doorbellContract } from './doorbell-contract.ts'
import { sqlite } from './kinds.ts'
import { logContract } from './log-contract.ts'
import { passedContract } from './passed-contract.ts'
import { storeContract } from './store-contract.ts'
import { tailContract } from './tail-contract.ts'

storeContract(sqlite)
logContract(sqlite)
tailContract(sqlite)
doorbellContract(sqlite)
passedContract(sqlite)
