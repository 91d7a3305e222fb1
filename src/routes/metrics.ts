import { now } from '../base/clock.ts'
import { metricsSnapshot } from '../domain/metrics.ts'
import type { Api } from './api.ts'

export function registerMetrics(api: Api): void {
  api.get('/metrics/snapshot', {}, ({ sql }) => metricsSnapshot(sql, now()))
}
