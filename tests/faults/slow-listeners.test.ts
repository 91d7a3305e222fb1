/**
 * Many listeners, half of which stop reading for a while.
 *
 *   M11  Listeners that do not read do not delay others: these have everything while the first are still stalled.
 *   M12  The bytes pending for a connection in the server are bounded: 256 KiB and a page of the log.
 *   M13  A listener that reads again gets everything that it missed, in order, none twice.
 *   M14  When the listeners have closed, their memory is freed.
 */
import { expect, test } from 'vitest'
import { createApiClient } from '../support/api.ts'
import { ChildServer } from '../support/child-server.ts'
import { CountingListener } from '../support/counting-listener.ts'

const LISTENERS = 100
const LINE = 'z'.repeat(60 * 1024)
/** More than the kernel buffers for a stalled connection on loopback. */
const LINES = 150
const STALL_MS = 5_000
/** The limit of a connection, and a page: 64 KiB and the line that exceeds it, with their framing. */
const MOST_PENDING_BYTES = 256 * 1024 + 192 * 1024
const SPARE_BYTES = 80 * 1024 * 1024

test('[M11] [M12] [M13] [M14] half of the listeners stop reading for five seconds, and no listener loses anything', {
  timeout: 120_000,
}, async () => {
  await using server = await ChildServer.start()
  using api = createApiClient(server.url)
  const memory = async () => (await api.get('/stats')).memory.rss as number
  await api.call('POST', '/boards', { id: 'demo', name: 'Demo' })
  const { body: card } = await api.call('POST', '/boards/demo/cards', { title: 'a' })
  const { body: attempt } = await api.call('POST', `/cards/${card.id}/attempts`, { agent: 'ann', status: 'running' })
  const post = (from: number) =>
    api.call('POST', `/attempts/${attempt.id}/logs`, {
      lines: Array.from({ length: 10 }, (_, n) => ({ message: `${from + n} ${LINE}` })),
    })

  // The server allocates what it needs only once before memory is measured.
  await post(0)
  const before = await memory()
  const listeners = Array.from(
    { length: LISTENERS },
    () => new CountingListener(server.url, `/sse?channels=attempt:${attempt.id}`),
  )
  await Promise.all(listeners.map((listener) => listener.isOpen))
  const stalled = listeners.filter((_, index) => index % 2 === 0)
  const healthy = listeners.filter((_, index) => index % 2 === 1)

  for (const listener of stalled) listener.pause()
  const rest = new Promise((resolve) => setTimeout(resolve, STALL_MS))
  let mostPending = 0
  for (let from = 0; from < LINES; from += 10) {
    expect((await post(from)).status).toBe(202)
    const { bytes } = await api.get('/stats')
    mostPending = Math.max(mostPending, bytes.pending)
  }
  await Promise.all(healthy.map((listener) => listener.until(LINES)))
  const { connections, bytes } = await api.get('/stats')
  expect(stalled.some(({ count }) => count >= LINES)).toBe(false)
  expect(connections).toMatchObject({ sse: LISTENERS, behind: stalled.length })
  mostPending = Math.max(mostPending, bytes.pending)
  expect(mostPending).toBeGreaterThan(0)
  expect(mostPending).toBeLessThanOrEqual(LISTENERS * MOST_PENDING_BYTES)
  expect(bytes.pending).toBeLessThanOrEqual(stalled.length * MOST_PENDING_BYTES)

  await rest
  for (const listener of stalled) listener.resume()
  await Promise.all(stalled.map((listener) => listener.until(LINES)))
  for (const { faults } of listeners) expect(faults).toEqual([])
  expect((await api.get('/stats')).connections.behind).toBe(0)

  for (const listener of listeners) listener.close()
  await expect.poll(async () => (await api.get('/stats')).connections.total, { timeout: 10_000 }).toBe(0)
  await expect.poll(memory, { timeout: 20_000, interval: 100 }).toBeLessThan(before + SPARE_BYTES)
})
