import { now } from '../base/clock.ts'
import { metricsSnapshot } from '../domain/metrics.ts'
import type { Api } from './api.ts'
import { channelNamed } from './rights.ts'

export function registerMetrics(api: Api): void {
  api.get('/metrics/snapshot', { right: channelNamed('metrics') }, ({ sql }) => metricsSnapshot(sql, now()))
}
