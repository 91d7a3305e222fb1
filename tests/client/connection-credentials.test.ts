/**
 * Credentials of the one stream, with a fake clock and a fake transport.
 *
 * CA1  A ticket is in the address of a stream that cannot send headers, and the token is not.
 * CA3  Before credentials expire, `auth` is asked, and another stream takes over without a gap.
 * CA4  After a 401 `auth` is asked once more; what is the same, or refused too, stops the stream.
 * CA11 Whatever `auth` does, the stream goes on as soon as it returns credentials, and no error has a token in it.
 */
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Auth } from '../../web/client/base/options.ts'
import type { Frame } from '../../web/client/base/types.ts'
import type { OpenStream, StreamRequest, Transport, TransportEvents } from '../../web/client/connection/transport.ts'
import { wsTransport } from '../../web/client/connection/ws-transport.ts'
import { SharedStream } from '../../web/client/stream/shared-stream.ts'
import { select } from '../../web/client/stream/subscription.ts'
import { FakeClock, settled } from './support/fake-clock.ts'
import { fakeConnection } from './support/fake-connection.ts'
import { fakeSockets } from './support/fake-socket.ts'
import { EPOCH, FakeTransport } from './support/fake-transport.ts'

const at = (seq: number) => `${EPOCH}-${seq}`
const undo: Array<() => void> = []
afterEach(() => {
  for (const step of undo.splice(0)) step()
  vi.unstubAllGlobals()
})

interface Options {
  readonly auth?: Auth
  readonly transport?: Transport
  readonly fetch?: typeof globalThis.fetch
}

/** A stream with one reader, of `agent:a`. `auth` returns `token`, unless it is given. */
async function setUp(options: Options = {}) {
  const clock = new FakeClock()
  const fake = new FakeTransport()
  const it = { token: 'first', asked: 0 }
  const delivered: Frame[] = []
  const pages: string[] = []
  const stream = new SharedStream({
    clock,
    readPage: async ({ after, until }) => {
      pages.push(`${after} to ${until}`)
      return { events: [], cursor: until, oldest: at(0), more: false }
    },
    onCatchingUp: () => undefined,
  })
  const auth: Auth = () => {
    it.asked += 1
    return options.auth ? options.auth() : it.token
  }
  const connection = fakeConnection({ transport: fake, ...options, auth, clock, listener: stream })
  const phases = [connection.status.get().phase]
  const details: string[] = []
  connection.status.subscribe(() => {
    const { phase, detail } = connection.status.get()
    if (phase !== phases.at(-1)) phases.push(phase)
    if (detail !== undefined && detail !== details.at(-1)) details.push(detail)
  })
  stream.attach(connection)
  stream.subscribe(select({ channels: ['agent:a'] }), { event: (frame) => delivered.push(frame) })
  undo.push(() => connection.close())
  await clock.pass(0)
  return Object.assign(it, {
    clock,
    stream,
    connection,
    streams: fake.streams,
    pages,
    phases,
    details,
    seqs: () => delivered.map(({ id }) => Number(id.split('-')[1])),
    delivered,
    /** The server announces that the newest stream expires. */
    expiring(inMs = 30_000, stream = fake.stream): void {
      const expiresAt = new Date(1_750_000_000_000 + 5 + inMs).toISOString()
      stream.frame('*', 'auth_expiring', { expiresAt }, { seq: 5, isCheckpoint: false })
    },
    stop() {
      return connection.status.get().stop?.reason
    },
  })
}

const output = (seq: number, ...lines: string[]) =>
  ['agent:a', 'output_batch', { agentId: 'a', lines }, { seq, isCheckpoint: true }] as const

describe('renewal', () => {
  test('[CA3] another stream is opened from the cursor, and takes over when it is open', async () => {
    const it = await setUp()
    const [first] = it.streams
    first?.hello({ seq: 5 })
    first?.frame(...output(6, 'six'))
    it.expiring()
    it.token = 'second'
    await it.clock.pass(10_000)
    expect(it.streams).toHaveLength(2)
    const second = it.streams[1]
    expect(second?.request).toMatchObject({ credentials: 'second', cursor: at(6), channels: ['agent:a'] })
    // Until then the old one delivers.
    expect(first?.isClosed).toBe(false)
    first?.frame(...output(7, 'seven'))
    second?.hello({ seq: 6 })
    expect(first?.isClosed).toBe(true)
    second?.frame(...output(7, 'seven'))
    second?.frame(...output(8, 'eight'))
    await settled()
    expect(it.seqs()).toEqual([6, 7, 8])
    expect(it.phases).toEqual(['idle', 'connecting', 'open'])
    // The new one goes on when it is cut, with its own credentials.
    second?.end({ status: 503 })
    await it.clock.pass(2_000)
    expect(it.streams[2]?.request).toMatchObject({ credentials: 'second', cursor: at(8) })
  })

  test('[CA3] lines that the new stream joins with some that came before are not delivered twice', async () => {
    const it = await setUp()
    const [first] = it.streams
    first?.hello({ seq: 5 })
    it.expiring()
    it.token = 'second'
    await it.clock.pass(10_000)
    first?.frame(...output(7, 'seven'))
    const [, second] = it.streams
    second?.hello({ seq: 5 })
    second?.frame(...output(8, 'seven', 'eight'))
    await settled()
    // From the log, which does not join.
    expect(it.pages).toEqual([`${at(7)} to ${at(8)}`])
    expect(it.seqs()).toEqual([7])
  })

  test('[CA3] the old stream may end before the new one is open', async () => {
    const it = await setUp()
    const [first] = it.streams
    first?.hello({ seq: 5 })
    it.expiring()
    it.token = 'second'
    await it.clock.pass(10_000)
    first?.frame(...output(6, 'six'))
    first?.frame('*', 'auth_expired', {}, { seq: 6, isCheckpoint: false })
    first?.end({ isCleanEnd: true })
    await it.clock.pass(100)
    expect(it.streams).toHaveLength(2)
    const [, second] = it.streams
    second?.hello({ seq: 5 })
    second?.frame(...output(6, 'six'))
    second?.frame(...output(7, 'seven'))
    expect(it.seqs()).toEqual([6, 7])
    expect(it.phases).toEqual(['idle', 'connecting', 'open'])
  })

  test('[CA3] if the new stream cannot be opened, the old one goes on and it is tried again', async () => {
    const it = await setUp()
    const [first] = it.streams
    first?.hello({ seq: 5 })
    it.expiring()
    it.token = 'second'
    await it.clock.pass(10_000)
    const [, second] = it.streams
    second?.frame('*', 'overloaded', { retryMs: 60_000 }, { seq: 5, isCheckpoint: false })
    second?.end({ isCleanEnd: true })
    first?.frame(...output(6, 'six'))
    await it.clock.pass(15_000)
    expect(it.streams).toHaveLength(3)
    it.streams[2]?.hello({ seq: 6 })
    expect(it.seqs()).toEqual([6])
    expect(it.phases).toEqual(['idle', 'connecting', 'open'])
  })

  test('[CA3] while there are no new credentials, auth is asked again until they expire', async () => {
    const it = await setUp()
    it.streams[0]?.hello({ seq: 5 })
    it.expiring()
    await it.clock.pass(29_500)
    expect(it.streams).toHaveLength(1)
    // Once for the stream, and not all the time.
    expect(it.asked).toBeGreaterThan(3)
    expect(it.asked).toBeLessThan(10)
    const { asked } = it
    await it.clock.pass(5_000)
    expect(it.asked - asked).toBeLessThan(2)
  })

  test('[CA3] it is asked in time, whatever the machine’s clock says', async () => {
    const it = await setUp()
    it.clock.sleep(86_400_000)
    it.streams[0]?.hello({ seq: 5 })
    it.expiring(4_000)
    it.token = 'second'
    await it.clock.pass(1_400)
    expect(it.streams).toHaveLength(2)
  })

  test('[CA3] a hidden page, whose timers are late, asks at once', async () => {
    vi.stubGlobal('document', Object.assign(new EventTarget(), { visibilityState: 'hidden' }))
    const it = await setUp()
    it.streams[0]?.hello({ seq: 5 })
    it.token = 'second'
    it.expiring()
    await settled()
    expect(it.streams).toHaveLength(2)
  })

  test('[CA3] tokens that live for seconds are not renewed all the time', async () => {
    let asked = 0
    const it = await setUp({ auth: () => `token-${++asked}` })
    it.streams[0]?.hello({ seq: 5 })
    for (let second = 0; second < 60; second++) {
      const stream = it.streams.at(-1)
      if (stream && it.streams.length > 1) stream.hello({ seq: 5 })
      it.expiring(8_000)
      await it.clock.pass(1_000)
    }
    expect(it.streams.length).toBeLessThan(20)
  })

  test('[CA3] without auth there is nothing to ask', async () => {
    const it = await setUp({ auth: () => undefined })
    it.streams[0]?.hello({ seq: 5 })
    it.expiring()
    await it.clock.pass(30_000)
    expect(it.streams).toHaveLength(1)
  })

  test('[CA3] a stream that can be given a token keeps its place', async () => {
    const given: Array<[token: string, accepted: () => void]> = []
    const fake = new FakeTransport()
    const transport: Transport = {
      name: 'fetch',
      open: (request: StreamRequest, events: TransportEvents): OpenStream => ({
        ...fake.open(request, events),
        renew: (token, accepted) => given.push([token, accepted]),
      }),
    }
    const it = await setUp({ transport })
    fake.stream.hello({ seq: 5 })
    it.token = 'second'
    it.expiring(30_000, fake.stream)
    await it.clock.pass(10_000)
    expect(given.map(([token]) => token)).toEqual(['second'])
    expect(fake.streams).toHaveLength(1)
    given[0]?.[1]()
    // The one that it has now is refused: there is no other.
    fake.stream.end({ status: 401 })
    await settled()
    expect(it.stop()).toBe('unauthenticated')
    expect(fake.streams).toHaveLength(1)
  })
})

describe('refusal', () => {
  test('[CA4] the same credentials stop the stream, and are not sent again', async () => {
    const it = await setUp()
    it.streams[0]?.end({ status: 401 })
    await it.clock.pass(600_000)
    expect(it.stop()).toBe('unauthenticated')
    expect([it.streams.length, it.asked]).toEqual([1, 2])
  })

  test('[CA4] others are tried once', async () => {
    let asked = 0
    const it = await setUp({ auth: () => `token-${++asked}` })
    it.streams[0]?.end({ status: 401 })
    await settled()
    expect(it.streams.map(({ credentials }) => credentials)).toEqual(['token-1', 'token-2'])
    it.streams[1]?.end({ status: 401 })
    await it.clock.pass(600_000)
    expect(it.stop()).toBe('unauthenticated')
    expect([it.streams.length, asked]).toEqual([2, 2])
  })

  test('[CA4] a failing auth does not hide the refusal', async () => {
    let asked = 0
    const it = await setUp({
      auth: () => {
        asked += 1
        if (asked > 1) throw new Error('the login is away')
        return 'first'
      },
    })
    it.streams[0]?.end({ status: 401 })
    await it.clock.pass(1_000)
    expect(it.stop()).toBe('unauthenticated')
  })

  test('[CA11] an auth that never answers does not hide it either', async () => {
    let asked = 0
    const it = await setUp({
      auth: () => {
        asked += 1
        return asked === 1 ? 'first' : new Promise<never>(() => undefined)
      },
    })
    it.streams[0]?.end({ status: 401 })
    await it.clock.pass(31_000)
    expect(it.stop()).toBe('unauthenticated')
  })

  test('[CA4] after other credentials it goes on where it was', async () => {
    const it = await setUp()
    it.streams[0]?.hello({ seq: 5 })
    it.streams[0]?.frame(...output(6, 'six'))
    it.streams[0]?.frame('*', 'auth_expired', {}, { seq: 6, isCheckpoint: false })
    it.streams[0]?.end({ isCleanEnd: true })
    await it.clock.pass(0)
    it.streams[1]?.end({ status: 401 })
    await it.clock.pass(600_000)
    expect(it.stop()).toBe('unauthenticated')
    it.token = 'second'
    it.connection.reconnect()
    await settled()
    expect(it.streams[2]?.request).toMatchObject({ credentials: 'second', cursor: at(6) })
    it.streams[2]?.hello({ seq: 6 })
    it.streams[2]?.frame(...output(7, 'seven'))
    expect(it.seqs()).toEqual([6, 7])
    expect(it.connection.status.get().phase).toBe('open')
  })

  test('[CA4] when other channels are wanted it is tried again, from its cursor', async () => {
    const it = await setUp()
    it.streams[0]?.hello({ seq: 5 })
    it.streams[0]?.end()
    await it.clock.pass(2_000)
    it.streams[1]?.end({ status: 401 })
    await it.clock.pass(600_000)
    expect([it.stop(), it.streams.length]).toEqual(['unauthenticated', 2])
    it.token = 'second'
    it.stream.subscribe(select({ channels: ['agent:b'] }), {})
    await it.clock.pass(0)
    const request = { credentials: 'second', cursor: at(5), channels: ['agent:a', 'agent:b'] }
    expect(it.streams[2]?.request).toMatchObject(request)
    it.streams[2]?.hello({ seq: 5 })
    expect(it.connection.status.get().phase).toBe('open')
  })

  test('[CA4] 4401 is one: others are tried at once, and the same stop it', async () => {
    const { made, WebSocket } = fakeSockets()
    const it = await setUp({ transport: wsTransport(WebSocket), fetch: async () => Response.json({ ticket: 'once' }) })
    await settled()
    made[0]?.open(5)
    it.token = 'second'
    made[0]?.cut(4401, 'The credential has lapsed')
    await it.clock.pass(0)
    expect(made).toHaveLength(2)
    made[1]?.open(5)
    expect(it.connection.status.get().phase).toBe('open')
    const { asked } = it
    made[1]?.cut(4401)
    await it.clock.pass(600_000)
    expect([it.stop(), made.length, it.asked - asked]).toEqual(['unauthenticated', 2, 1])
  })

  test('[CA4] a machine that slept past the expiry asks for others when it wakes', async () => {
    const page = Object.assign(new EventTarget(), { visibilityState: 'visible' })
    vi.stubGlobal('document', page)
    const it = await setUp()
    it.streams[0]?.hello({ seq: 5 })
    it.clock.sleep(3_600_000)
    page.dispatchEvent(new Event('visibilitychange'))
    await settled()
    expect(it.streams).toHaveLength(2)
    it.token = 'second'
    it.streams[1]?.end({ status: 401 })
    await settled()
    expect(it.streams[2]?.request).toMatchObject({ credentials: 'second', cursor: at(5) })
    it.streams[2]?.hello({ seq: 5 })
    expect(it.connection.status.get().phase).toBe('open')
  })
})

describe('tickets', () => {
  function eventSource(status: number, body: object) {
    const asked: Array<readonly [url: string, authorization: string | null]> = []
    const fake = new FakeTransport()
    const transport: Transport = { name: 'eventsource', open: (request, events) => fake.open(request, events) }
    async function get(input: string | URL | Request, init?: RequestInit): Promise<Response> {
      asked.push([String(input), new Headers(init?.headers).get('Authorization')])
      return Response.json(body, { status, headers: { 'Retry-After': '20' } })
    }
    return { asked, fake, options: { transport, fetch: get } }
  }

  test('[CA1] each attempt gets a ticket of its own', async () => {
    const { asked, fake, options } = eventSource(201, { ticket: 'once' })
    const it = await setUp(options)
    await settled()
    expect(asked).toEqual([['http://hub/api/v1/tickets', 'Bearer first']])
    expect(fake.stream.credentials).toEqual({ query: { ticket: 'once' } })
    fake.stream.hello({ seq: 5 })
    it.token = 'second'
    fake.stream.end()
    await it.clock.pass(2_000)
    expect(asked.map(([, authorization]) => authorization)).toEqual(['Bearer first', 'Bearer second'])
    expect(fake.streams).toHaveLength(2)
  })

  test('[CA1] a server without tickets gets the token', async () => {
    const { fake, options } = eventSource(404, {})
    await setUp(options)
    await settled()
    expect(fake.stream.credentials).toEqual({ query: { token: 'first' } })
  })

  test('[CA4] a refused request for a ticket is a refusal', async () => {
    const { asked, fake, options } = eventSource(401, { detail: 'who are you' })
    const it = await setUp(options)
    await it.clock.pass(600_000)
    expect(it.stop()).toBe('unauthenticated')
    expect([asked.length, fake.streams.length]).toEqual([1, 0])
  })

  test('[CA6] a busy server is asked again, not before Retry-After', async () => {
    const { asked, options } = eventSource(429, {})
    const it = await setUp(options)
    await settled()
    expect(it.connection.status.get().phase).toBe('reconnecting')
    await it.clock.pass(19_999)
    expect(asked).toHaveLength(1)
    await it.clock.pass(12_001)
    expect(asked).toHaveLength(2)
  })
})

describe('an auth that is not as it should be', () => {
  test('[CA11] one that throws at once is a failed attempt, and the next one is made', async () => {
    let asked = 0
    const it = await setUp({
      auth: () => {
        asked += 1
        if (asked === 1) throw new Error('the login is away')
        return 'second'
      },
    })
    expect(it.connection.status.get()).toMatchObject({
      phase: 'reconnecting',
      detail: 'no credentials: Error: the login is away',
    })
    await it.clock.pass(2_000)
    expect(it.streams[0]?.request.credentials).toBe('second')
  })

  test('[CA11] one that never answers is named, and asked again', async () => {
    let asked = 0
    const it = await setUp({
      auth: () => {
        asked += 1
        return asked === 1 ? new Promise<never>(() => undefined) : 'second'
      },
    })
    await it.clock.pass(40_000)
    expect(it.streams[0]?.request.credentials).toBe('second')
    expect(it.details).toEqual([expect.stringMatching(/^auth returned nothing within \d+ ms$/)])
  })

  test('[CA11] a line end after a token is dropped', async () => {
    const it = await setUp({ auth: () => ' first\r\n' })
    expect(it.streams[0]?.request.credentials).toBe('first')
  })

  test.each(['to\nken', 'to ken', 'tök', '日本', 'to\0ken'])(
    '[CA11] %j is not sent, and not in the error',
    async (token) => {
      const it = await setUp({ auth: () => token })
      await it.clock.pass(2_000)
      expect(it.streams).toEqual([])
      const { detail } = it.connection.status.get()
      expect(detail).toBe('no credentials: Error: the token holds characters that no token has, such as spaces')
    },
  )
})
