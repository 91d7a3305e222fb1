import * as z from 'zod'
import { MAX_BATCH_LINES } from '../protocol.ts'
import { externalId, line } from '../types/text.ts'
import { outputBatch } from './attempts.ts'
import { event } from './define.ts'
import { exampleIds, exampleTime } from './examples.ts'

const about = z.strictObject({ agentId: externalId })
const exampleAbout = { agentId: exampleIds.agent, timestamp: Date.parse(exampleTime) }

/** Output of agents outside attempts; `timestamp` is the time of the commit in milliseconds since 1970. */
export const agentOutputEvents = {
  'agent.output': event({
    summary: 'An agent printed a piece of output.',
    keep: 'transient',
    about,
    shows: z.strictObject({ timestamp: z.int(), content: line }),
    example: { ...exampleAbout, content: 'Reading the tests first.\n' },
    to: [{ channel: 'agent', event: 'output' }],
  }),
  'agent.output.batch': event({
    summary: 'An agent printed lines of output.',
    keep: 'transient',
    about,
    shows: z.strictObject({ timestamp: z.int(), lines: z.array(line).min(1).max(MAX_BATCH_LINES) }),
    example: { ...exampleAbout, lines: ['npm test', 'Tests  118 passed (118)'] },
    to: [{ channel: 'agent', event: 'output_batch', payload: outputBatch, lines: (p) => p.lines }],
  }),
}
