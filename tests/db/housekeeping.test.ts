/** Retention of a running server. D25: it trims as soon as the limits are exceeded, and when the server starts. */
import { expect, test } from 'vitest'
import { loadConfig } from '../../src/base/config.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const { retention } = loadConfig({})

async function transientOf(server: TestServer): Promise<number> {
  const stats = (await (await fetch(`${server.url}/stats`)).json()) as { log: { chatter: { events: number } } }
  return stats.log.chatter.events
}

test('[D25] events that are committed while older ones are trimmed are trimmed too', async () => {
  await using server = await startTestServer({ retention: { ...retention, maxEvents: 50 } })
  const posts = Array.from({ length: 600 }, (_, n) => server.post('/topics/t/events', { event: 'said', data: n }))
  await Promise.all(posts)
  await expect.poll(() => transientOf(server), { timeout: 20_000 }).toBe(50)
})

test('[D25] a server that starts with a tighter policy trims at once', async () => {
  const first = await startTestServer()
  for (let n = 0; n < 20; n++) await first.post('/topics/t/events', { event: 'said', data: n })
  expect(await transientOf(first)).toBe(20)
  await first.close()
  await using second = await startTestServer({ dbPath: first.dbPath, retention: { ...retention, maxEvents: 5 } })
  // On PostgreSQL a node trims when it has become the leader.
  await expect.poll(() => transientOf(second), { timeout: 20_000 }).toBe(5)
  await first[Symbol.asyncDispose]()
})
