/** A client that retries until it gets an answer; it repeats a POST with the same Idempotency-Key. */
import { randomUUID } from 'node:crypto'
import type { ApiClient, Reply } from './api.ts'
import type { ChildServer } from './child-server.ts'
import type { Plan } from './writer.ts'

/** Resolves to the first answer that does not ask to retry later. */
export async function carryOut(plan: Plan, api: ApiClient, server: ChildServer): Promise<Reply> {
  const headers: Record<string, string> = plan.method === 'POST' ? { 'Idempotency-Key': randomUUID() } : {}
  for (;;) {
    await server.up
    const reply = await api.call(plan.method, plan.path, plan.body, headers).catch(() => null)
    if (reply && reply.status !== 503) {
      if (reply.status < 300 || reply.status === plan.endsOn) plan.done(reply)
      return reply
    }
    // The server is stopping or down; other tasks run meanwhile.
    await new Promise(setImmediate)
  }
}
