/**
 * The stores themselves. They are loaded when the first of them is opened: who only listens to events does without. The
 * hooks bring them along, so that a page does not wait for a second file.
 */
import { attemptStore } from './attempt.ts'
import { boardStore } from './board.ts'
import { dashboardStore } from './dashboard.ts'
import { createLanes } from './lanes.ts'
import { provide } from './loaded.ts'
import { metricsStore } from './metrics.ts'
import { createMutations } from './mutations.ts'

provide({ attemptStore, boardStore, dashboardStore, metricsStore, createLanes, createMutations })
