import * as z from 'zod'
import { MAX_BATCH_LINES } from '../../shared/src/protocol.ts'
import { line } from '../../shared/src/types/text.ts'
import { appendOutput, type PostedOutput, readOutput } from '../domain/agent-output.ts'
import type { Api } from './api.ts'
import { logPageQuery } from './paging.ts'
import { channelOf } from './rights.ts'

/** A chunk of output, or lines. One object instead of a union, so that errors name the path of the faulty field. */
const posted = z
  .strictObject({ content: line.optional(), lines: z.array(line).min(1).max(MAX_BATCH_LINES).optional() })
  .transform(({ content, lines }, context): PostedOutput => {
    if (content === undefined && lines === undefined) {
      context.addIssue({ code: 'custom', path: ['content'], message: 'is missing; send content or lines' })
      return z.NEVER
    }
    if (content !== undefined && lines !== undefined) {
      context.addIssue({ code: 'custom', path: ['content'], message: 'cannot be given together with lines' })
    }
    return lines ? { lines } : { content: content ?? '' }
  })

export function registerAgentOutput(api: Api): void {
  api.mutate(
    'post',
    '/agents/:id/output',
    { status: 202, right: channelOf('agent'), speaksFor: ({ params }) => ({ agent: params.id }), body: posted },
    async (tx, { params, body }) => ({
      count: appendOutput(tx, params.id, body),
    }),
  )
  api.get('/agents/:id/output', { right: channelOf('agent'), query: logPageQuery }, ({ snapshot, params, query }) =>
    readOutput(snapshot, params.id, query),
  )
}
