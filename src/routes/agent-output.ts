import * as z from 'zod'
import { exampleCursor, exampleTime } from '../../shared/src/catalogue/examples.ts'
import { named } from '../../shared/src/names.ts'
import { MAX_BATCH_LINES } from '../../shared/src/protocol.ts'
import { cursor } from '../../shared/src/types/ids.ts'
import { line } from '../../shared/src/types/text.ts'
import { appendOutput, type PostedOutput, readOutput } from '../domain/agent-output.ts'
import { count, pageEnd } from './answers.ts'
import type { Api } from './api.ts'
import { showAs } from './batch.ts'
import { logPageQuery } from './paging.ts'
import { channelOf } from './rights.ts'

const lines = z.array(line).min(1).max(MAX_BATCH_LINES)

/** A chunk of output, or lines. One object instead of a union, so that errors name the path of the faulty field. */
const posted = named(
  'NewAgentOutput',
  z
    .strictObject({ content: line.optional(), lines: lines.optional() })
    .transform(({ content, lines }, context): PostedOutput => {
      if (content === undefined && lines === undefined) {
        context.addIssue({ code: 'custom', path: ['content'], message: 'is missing; send content or lines' })
        return z.NEVER
      }
      if (content !== undefined && lines !== undefined) {
        context.addIssue({ code: 'custom', path: ['content'], message: 'cannot be given together with lines' })
      }
      return lines ? { lines } : { content: content ?? '' }
    }),
)
showAs(posted, z.union([z.strictObject({ content: line }), z.strictObject({ lines })]))

const item = { id: cursor, timestamp: z.int() }
const outputItem = named(
  'AgentOutputItem',
  z.union([z.strictObject({ ...item, content: z.string() }), z.strictObject({ ...item, lines: z.array(z.string()) })]),
)
const page = named('AgentOutputPage', z.strictObject({ items: z.array(outputItem).readonly(), ...pageEnd }))

const printed = ['npm test', 'Tests  118 passed (118)']

export function registerAgentOutput(api: Api): void {
  api.mutate(
    'post',
    '/agents/:agentId/output',
    {
      operationId: 'appendAgentOutput',
      tag: 'Agents',
      summary: 'Appends a chunk, or lines, to the output of an agent.',
      status: 202,
      right: channelOf('agent', 'agentId'),
      speaksFor: ({ params }) => ({ agent: params.agentId }),
      body: posted,
      answer: count,
      example: { body: { lines: printed }, answer: { count: 2 } },
      errors: ['invalid_channel'],
      emits: ['agent.output', 'agent.output.batch'],
    },
    async (tx, { params, body }) => ({
      count: appendOutput(tx, params.agentId, body),
    }),
  )
  api.get(
    '/agents/:agentId/output',
    {
      operationId: 'listAgentOutput',
      tag: 'Agents',
      summary: 'Reads a page of the output of an agent, with the lines of its attempts.',
      right: channelOf('agent', 'agentId'),
      query: logPageQuery,
      answer: page,
      example: {
        answer: {
          items: [{ id: exampleCursor, timestamp: Date.parse(exampleTime), lines: printed }],
          cursor: exampleCursor,
          more: false,
          count: 1,
        },
      },
      errors: ['invalid_channel'],
    },
    ({ snapshot, params, query }) => readOutput(snapshot, params.agentId, query),
  )
}
