/** Long durations in the client library, over a clock that counts in 31 bits as setTimeout does. Rule OPS16. */
import { expect, onTestFinished, test } from 'vitest'
import { withLongTimers } from '../../web/client/base/clock.ts'
import { retryAfterMs } from '../../web/client/connection/transport.ts'
import { type ClientOptions, createClient } from '../../web/client/index.ts'
import { FakeClock } from './support/fake-clock.ts'

const DAY_MS = 86_400_000

/** Turns more than 2^31 - 1 ms into 1 ms. */
function narrow(clock: FakeClock): FakeClock {
  const { setTimeout } = clock
  clock.setTimeout = (callback, ms) => setTimeout(callback, ms > 2 ** 31 - 1 ? 1 : ms)
  return clock
}

function clientOf(options: Partial<ClientOptions>, answer: () => Response) {
  const clock = narrow(new FakeClock())
  let requests = 0
  const fetch = async () => {
    requests += 1
    return answer()
  }
  const hub = createClient({ baseUrl: 'http://hub.test', transport: 'fetch', share: 'none', clock, fetch, ...options })
  onTestFinished(() => hub.close())
  hub.subscribe({ channels: ['topic:t'] }, {})
  return { clock, hub, requests: () => requests }
}

/** The library loads some of its code on demand, which takes real time. */
async function until(clock: FakeClock, condition: () => boolean): Promise<void> {
  await expect
    .poll(
      async () => {
        await clock.pass(0)
        return condition()
      },
      { timeout: 20_000 },
    )
    .toBe(true)
}

test.each([25, 100, 365])('[OPS16] a timer of %d days fires once, and can be cleared before', async (days) => {
  const bare = narrow(new FakeClock())
  const clock = withLongTimers(bare)
  const fired: string[] = []
  clock.setTimeout(() => fired.push('long'), days * DAY_MS)
  const cleared = clock.setTimeout(() => fired.push('cleared'), days * DAY_MS)
  clock.setTimeout(() => fired.push('short'), 1_000)
  await bare.pass(24.9 * DAY_MS)
  clock.clearTimeout(cleared)
  await bare.pass((days - 24.9) * DAY_MS - 1)
  expect(fired).toEqual(['short'])
  await bare.pass(1)
  expect(fired).toEqual(['short', 'long'])
  expect(bare.waiting).toEqual([])
})

test('[OPS16] a rest of a year is possible', async () => {
  const { clock, hub, requests } = clientOf({ backoff: { failures: 1, restMs: 365 * DAY_MS } }, () => {
    return new Response('', { status: 502 })
  })
  await until(clock, () => hub.status.get().nextRetryAt !== null)
  expect([requests(), (hub.status.get().nextRetryAt ?? 0) - clock.now()]).toEqual([1, 365 * DAY_MS])
  await clock.pass(364 * DAY_MS)
  expect(requests()).toBe(1)
  await clock.pass(DAY_MS)
  await until(clock, () => requests() === 2)
})

test('[OPS16] a timeout of a year does not end a new stream', async () => {
  const { clock, hub, requests } = clientOf({ heartbeatTimeoutMs: 365 * DAY_MS }, () => {
    return new Response(new ReadableStream(), { headers: { 'Content-Type': 'text/event-stream' } })
  })
  await until(clock, () => requests() === 1)
  await clock.pass(100 * DAY_MS)
  expect([requests(), hub.status.get().phase]).toEqual([1, 'connecting'])
})

test.each(['99999999999999', '9'.repeat(400), 'Fri, 31 Dec 9999 23:59:59 GMT'])(
  '[OPS16] Retry-After: %s is a day',
  async (text) => {
    expect(retryAfterMs(new Headers({ 'Retry-After': text }), 1_750_000_000_000)).toBe(DAY_MS)
    const { clock, hub, requests } = clientOf({}, () => {
      return new Response('', { status: 503, headers: { 'Retry-After': text } })
    })
    await until(clock, () => hub.status.get().nextRetryAt !== null)
    await clock.pass(DAY_MS / 2)
    expect(requests()).toBe(1)
  },
)

test('[OPS16] a retry: of the server counts as a day at most', async () => {
  const { clock, hub } = clientOf({}, () => {
    return new Response('retry: 99999999999999\n\n', { headers: { 'Content-Type': 'text/event-stream' } })
  })
  await until(clock, () => hub.status.get().nextRetryAt !== null)
  const waitMs = (hub.status.get().nextRetryAt ?? 0) - clock.now()
  expect(waitMs).toBeGreaterThanOrEqual(DAY_MS)
  expect(waitMs).toBeLessThan(DAY_MS + 60_000)
})

test.each([
  [{ heartbeatTimeoutMs: Number.NaN }, /heartbeatTimeoutMs cannot be NaN/],
  [{ heartbeatTimeoutMs: -1 }, /heartbeatTimeoutMs cannot be -1/],
  [{ backoff: { restMs: Number.NaN } }, /restMs cannot be NaN/],
  [{ backoff: { firstMs: '5' as unknown as number } }, /firstMs cannot be 5/],
])('[OPS16] an invalid duration is refused with its name: %j', (options, message) => {
  expect(() => createClient({ baseUrl: 'http://hub.test', ...options })).toThrow(message)
})
