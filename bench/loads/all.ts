/** Every load, in the order of the table. */
import type { Load } from '../load.ts'
import { compression } from './compression.ts'
import { delivery, websocketDelivery } from './delivery.ts'
import { flood } from './flood.ts'
import { fullView } from './full-view.ts'
import { ladder } from './ladder.ts'
import { lines } from './lines.ts'
import { replay, start } from './log.ts'
import { memory } from './memory.ts'
import { mutations } from './mutations.ts'
import { nodesCopy } from './nodes/copy.ts'
import { nodesDoorbell } from './nodes/doorbell.ts'
import { nodesThroughput } from './nodes/throughput.ts'
import { nodesTransactions } from './nodes/transactions.ts'
import { openingState } from './opening-state.ts'
import { rights } from './rights.ts'
import { saturation, websocketSaturation } from './saturation.ts'
import { stalled } from './stalled.ts'

export const loads: readonly Load[] = [
  delivery,
  saturation,
  ladder,
  memory,
  stalled,
  mutations,
  lines,
  replay,
  start,
  compression,
  openingState,
  fullView,
  rights,
  flood,
  nodesThroughput,
  nodesDoorbell,
  nodesTransactions,
  nodesCopy,
  websocketDelivery,
  websocketSaturation,
]
