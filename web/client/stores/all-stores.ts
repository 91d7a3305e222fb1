/**
 * The code of the stores and mutations. It is loaded when the first store is opened; clients that only subscribe to events
 * never load it. The hooks import it, so that a page does not wait for a second file.
 */
import { openAttempt } from './attempt.ts'
import { openBoard } from './board.ts'
import { MutationQueues } from './mutation-queues.ts'
import { createMutations } from './mutations.ts'
import { openDashboard, openMetrics } from './snapshots.ts'
import { provideStores } from './store-code.ts'

provideStores({ openAttempt, openBoard, openDashboard, openMetrics, createMutations, MutationQueues })
