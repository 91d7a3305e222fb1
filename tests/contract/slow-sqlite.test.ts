/** The contract suite over SQLite made slow, each node with a connection of its own. */
import { doorbellContract } from './doorbell-contract.ts'
import { slowSqlite } from './kinds.ts'
import { logContract } from './log-contract.ts'
import { passedContract } from './passed-contract.ts'
import { storeContract } from './store-contract.ts'
import { tailContract } from './tail-contract.ts'

storeContract(slowSqlite)
logContract(slowSqlite)
tailContract(slowSqlite)
doorbellContract(slowSqlite)
passedContract(slowSqlite)
