/** Figures of the service: the payload of `metric.update`. This family is snake_case on the wire. */
import * as z from 'zod'
import { named } from '../names.ts'

const count = z.int().min(0)

export const metrics = named(
  'Metrics',
  z.strictObject({
    /** Sessions that have not ended. */
    active_sessions: count,
    /** Registered agents that are online or working. */
    active_agents: count,
    pending_tasks: count,
    running_tasks: count,
    completed_tasks_last_hour: count,
    messages_last_hour: count,
    /** Events committed in the last 5 minutes, divided by 5. */
    actions_per_minute: z.number().min(0),
    /** From creation to completion, of the tasks completed in the last hour; 0 when there are none. */
    avg_task_duration_ms: count,
    /** Milliseconds since 1970. */
    timestamp: z.int(),
  }),
)
export type Metrics = z.infer<typeof metrics>
