/** A client that does not give up: what was not answered is asked again, POSTs under the same Idempotency-Key. */
import { randomUUID } from 'node:crypto'
import type { ApiClient, Reply } from './api.ts'
import type { ChildServer } from './child-server.ts'
import type { Plan } from './writer.ts'

/** Resolves to the answer, once there is one that is not "come back later". */
export async function carryOut(plan: Plan, api: ApiClient, server: ChildServer): Promise<Reply> {
  const headers: Record<string, string> = plan.method === 'POST' ? { 'Idempotency-Key': randomUUID() } : {}
  for (;;) {
    await server.up
    const reply = await api.call(plan.method, plan.path, plan.body, headers).catch(() => null)
    if (reply && reply.status !== 503) {
      if (reply.status < 300 || reply.status === plan.endsOn) plan.done(reply)
      return reply
    }
    // The server is going or gone; in the meantime others shall have their turn.
    await new Promise(setImmediate)
  }
}
