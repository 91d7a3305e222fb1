import { exampleTime } from '../../shared/src/catalogue/examples.ts'
import { type Metrics, metrics } from '../../shared/src/types/metrics.ts'
import { now } from '../base/clock.ts'
import { metricsSnapshot } from '../domain/metrics.ts'
import type { Api } from './api.ts'
import { channelNamed } from './rights.ts'

export const exampleMetrics: Metrics = {
  active_sessions: 1,
  active_agents: 1,
  pending_tasks: 0,
  running_tasks: 1,
  completed_tasks_last_hour: 0,
  messages_last_hour: 1,
  actions_per_minute: 8.4,
  avg_task_duration_ms: 0,
  timestamp: Date.parse(exampleTime),
}

export function registerMetrics(api: Api): void {
  api.get(
    '/metrics/snapshot',
    {
      operationId: 'getMetricsSnapshot',
      tag: 'Metrics',
      summary: 'Computes the figures of the service once.',
      right: channelNamed('metrics'),
      answer: metrics,
      example: { answer: exampleMetrics },
      errors: [],
    },
    ({ sql }) => metricsSnapshot(sql, now()),
  )
}
