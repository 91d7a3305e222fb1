/**
 * Payloads compared with the schemas of the catalogue. Loaded only by those who ask for it: it brings zod and every schema.
 */
import type * as z from 'zod'
import { catalogue, type Entry } from '../../../shared/src/catalogue.ts'
import { parseChannel } from '../../../shared/src/channels.ts'
import { EVERYONE, SNAPSHOT } from '../../../shared/src/protocol.ts'
import { overview } from '../../../shared/src/types/dashboard.ts'
import { boardState } from '../../../shared/src/types/kanban.ts'
import { metrics } from '../../../shared/src/types/metrics.ts'
import type { Frame } from './types.ts'

/** By kind of channel and name. */
const schemas = new Map<string, z.ZodType>([
  [`board ${SNAPSHOT.state}`, boardState],
  [`dashboard ${SNAPSHOT.dashboardOverview}`, overview],
  [`metrics ${SNAPSHOT.metricUpdate}`, metrics],
])
for (const [type, entry] of Object.entries<Entry>(catalogue)) {
  if (entry.isPosted) continue
  schemas.set(`global ${type}`, entry.about.extend(entry.shows.shape))
  for (const { channel, event, payload } of entry.to) schemas.set(`${channel} ${event}`, payload ?? entry.shows)
}

/** What has no schema (what clients post, and types that this version does not know) is fine. */
export function isValid({ channel, event, data }: Frame): boolean {
  const kind = channel === EVERYONE ? EVERYONE : parseChannel(channel)?.kind
  return schemas.get(`${kind} ${event}`)?.safeParse(data).success ?? true
}
