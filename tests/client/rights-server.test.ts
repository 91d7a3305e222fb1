/**
 * The library as a client of a real server with rights on.
 *
 * CA1  A token is in a header, or exchanged for a ticket, and in no address.
 * CA3  A stream whose token is about to expire goes on with a new one: nothing is missed, nothing comes twice.
 * CA4  A token that is refused stops the stream; with another it goes on where it was.
 * CA5  A request whose token expired on the way is repeated with another.
 * CA6  What one may not read is reported, and not asked for again.
 * CA8  A socket of a component's own is opened and renewed in the same way.
 */
import { EventSource } from 'eventsource'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import type { Auth, ClientOptions, WebSocketMaker } from '../../web/client/base/options.ts'
import type { Frame, Phase } from '../../web/client/base/types.ts'
import { createClient, type Hub } from '../../web/client/hub/client.ts'
import { ChannelSocket } from '../../web/client/socket/channel-socket.ts'
import type { TestServer } from '../support/server.ts'
import { actingAs, seconds, sign, startServerWithRights, tokenFor } from '../support/tokens.ts'
import { Collector } from './support/collector.ts'
import { untilStatus } from './support/status.ts'
import { until } from './support/until.ts'

const TRANSPORTS = ['fetch', 'eventsource', 'ws'] as const
/** The server accepts tokens this long after they have expired. */
const LEEWAY_S = 5

async function serve(): Promise<TestServer> {
  const server = await startServerWithRights()
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

function hubOf(server: TestServer, options: ClientOptions): Hub {
  const backoff = { firstMs: 20, maxMs: 100 }
  const hub = createClient({ baseUrl: server.url, share: 'none', backoff, EventSource, WebSocket, ...options })
  onTestFinished(() => hub.close())
  return hub
}

async function reading(hub: Hub, ...channels: string[]): Promise<Collector> {
  const reader = new Collector()
  hub.subscribe({ channels }, reader)
  await reader.isReady()
  return reader
}

/** The phases that the hub has gone through since. */
function phasesOf(hub: Hub): Phase[] {
  const phases: Phase[] = [hub.status.get().phase]
  hub.status.subscribe(() => {
    const { phase } = hub.status.get()
    if (phase !== phases.at(-1)) phases.push(phase)
  })
  return phases
}

/** Tokens that the server accepts for `forMs` from now. `asked`: how many. */
function shortLived(forMs: number, patterns = ['*']) {
  const it = {
    asked: 0,
    auth: (() => {
      it.asked += 1
      return tokenFor(patterns, patterns, { exp: Math.floor((Date.now() + forMs) / 1_000) - LEEWAY_S })
    }) as Auth,
  }
  return it
}

/** May do everything. */
async function ownerOf(server: TestServer) {
  return actingAs(server, await tokenFor(['*'], ['*'], { sub: 'owner' }))
}

type Owner = Awaited<ReturnType<typeof ownerOf>>

const post = (owner: Owner, n: number, topic = 't') =>
  owner.post(`/topics/${topic}/events`, { event: 'n', data: { n } })
const numbers = ({ frames }: { readonly frames: readonly Frame[] }) =>
  frames.map(({ data }) => (data as { n: number }).n)

/** Posts one number after the other until the function that it returns is called, which resolves to how many. */
function posting(owner: Owner): () => Promise<number> {
  let isOver = false
  let sent = 0
  const all = (async () => {
    while (!isOver) {
      await post(owner, sent++)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    return sent
  })()
  return () => {
    isOver = true
    return all
  }
}

const upTo = (many: number) => Array.from({ length: many }, (_, n) => n)

describe('login', () => {
  test.each(TRANSPORTS)(
    '[CA1] over %s: stream, store and mutation, and no address has the token',
    async (transport) => {
      const server = await serve()
      const owner = await ownerOf(server)
      await owner.post('/boards', { id: 'demo', name: 'Demo' })
      const addresses: string[] = []
      const seen = <Maker extends new (url: string, ...rest: never[]) => object>(Base: Maker): Maker =>
        new Proxy(Base, {
          construct(target, [url, ...rest]) {
            addresses.push(String(url))
            return Reflect.construct(target, [url, ...rest])
          },
        })
      const token = await tokenFor(['board:demo'], ['board:demo'], { sub: 'me' })
      const hub = hubOf(server, {
        transport,
        auth: token,
        EventSource: seen(EventSource),
        WebSocket: seen(WebSocket),
        fetch: (url, init) => {
          addresses.push(String(url))
          return fetch(url, init)
        },
      })
      const board = hub.board('demo')
      await until(board, 'the board', ({ phase }) => phase === 'live')
      const { title } = await hub.mutate.createCard({ boardId: 'demo', title: 'Mine' })
      await until(board, 'the card', ({ state }) =>
        Object.values(state?.cards ?? {}).some((card) => card.title === title),
      )
      expect(addresses.length).toBeGreaterThan(2)
      for (const address of addresses) expect(address).not.toContain(token)
      const streams = addresses.filter((address) => /\/(sse|ws)\?/.test(address))
      expect(streams.map((address) => new URL(address).searchParams.has('ticket'))).toEqual([transport !== 'fetch'])
    },
  )

  test.each(TRANSPORTS)('[CA4] over %s: without a token it stops, and with one it starts', async (transport) => {
    const server = await serve()
    const owner = await ownerOf(server)
    await owner.post('/boards', { id: 'demo', name: 'Demo' })
    let token: string | undefined
    const hub = hubOf(server, { transport, auth: () => token })
    const board = hub.board('demo')
    const { error } = await until(board, 'an error', ({ phase }) => phase === 'error')
    expect(error).toMatchObject({ code: 'refused', status: 401 })
    await untilStatus(hub.status, 'the stop', ({ stop }) => stop?.reason === 'unauthenticated')
    const undo = board.subscribe(() => undefined)
    token = await tokenFor(['board:demo'])
    hub.reconnect()
    await until(board, 'the board', ({ phase }) => phase === 'live')
    undo()
  })
})

describe('renewal', () => {
  test('[CA3] nothing is missed, nothing comes twice, and nobody notices, over every transport', async () => {
    const server = await serve()
    const owner = await ownerOf(server)
    let sockets = 0
    class Counted extends WebSocket {
      constructor(url: string) {
        super(url)
        sockets += 1
      }
    }
    const listening = await Promise.all(
      TRANSPORTS.map(async (transport) => {
        const tokens = shortLived(5_000)
        const hub = hubOf(server, { transport, auth: tokens.auth, WebSocket: Counted as unknown as WebSocketMaker })
        const reader = await reading(hub, 'topic:t')
        return { transport, tokens, hub, reader, phases: phasesOf(hub), opened: tokens.asked }
      }),
    )
    const stop = posting(owner)
    await Promise.all(
      listening.map(({ reader, tokens, opened }) => reader.until('renewals', () => tokens.asked >= opened + 4, 40_000)),
    )
    const sent = await stop()
    for (const { transport, reader, phases } of listening) {
      await reader.count(sent)
      expect({ transport, numbers: numbers(reader), phases, gaps: reader.gaps, errors: reader.errors }).toEqual({
        transport,
        numbers: upTo(sent),
        phases: ['open'],
        gaps: [],
        errors: [],
      })
    }
    // It was given each token by message.
    expect(sockets).toBe(1)
  })

  test('[CA3] a renewed token that no longer allows a channel ends that channel only', async () => {
    const server = await serve()
    const owner = await ownerOf(server)
    const readers = await Promise.all(
      TRANSPORTS.map(async (transport) => {
        let patterns = ['topic:t', 'topic:u']
        const hub = hubOf(server, {
          transport,
          auth: () => tokenFor(patterns, [], { exp: seconds(4 - LEEWAY_S) }),
        })
        const [kept, lost] = await Promise.all([reading(hub, 'topic:t'), reading(hub, 'topic:u')])
        patterns = ['topic:t']
        return { transport, kept, lost }
      }),
    )
    for (const { lost } of readers) await lost.until('the refusal', () => lost.errors.length > 0)
    await post(owner, 1)
    await post(owner, 2, 'u')
    await post(owner, 3)
    for (const { transport, kept, lost } of readers) {
      await kept.count(2)
      expect({ transport, kept: numbers(kept), lost: numbers(lost) }).toEqual({ transport, kept: [1, 3], lost: [] })
      expect(lost.errors[0]).toMatchObject({ code: 'refused', status: 403 })
    }
  })
})

describe('expiry', () => {
  test.each(TRANSPORTS)('[CA4] over %s: it stops, and goes on where it was with another token', async (transport) => {
    const server = await serve()
    const owner = await ownerOf(server)
    let token = await tokenFor(['topic:t'], [], { exp: seconds(3 - LEEWAY_S) })
    const hub = hubOf(server, { transport, auth: () => token })
    const reader = await reading(hub, 'topic:t')
    await post(owner, 0)
    await reader.count(1)
    await untilStatus(hub.status, 'the stop', ({ stop }) => stop?.reason === 'unauthenticated')
    await post(owner, 1)
    token = await tokenFor(['topic:t'])
    hub.reconnect()
    await untilStatus(hub.status, 'open', ({ phase }) => phase === 'open')
    await post(owner, 2)
    await reader.count(3)
    expect([numbers(reader), reader.gaps, reader.errors]).toEqual([[0, 1, 2], [], []])
  })

  test('[CA5] a mutation in flight when the token lapses is made once, with another token', async () => {
    const server = await serve()
    const owner = await ownerOf(server)
    await owner.post('/boards', { id: 'demo', name: 'Demo' })
    const lapsed = await tokenFor(['*'], ['*'], { exp: seconds(-LEEWAY_S - 1) })
    const tokens = [lapsed, await tokenFor(['*'])]
    const sent: Array<readonly [authorization: string | null, key: string | null, status: number]> = []
    const hub = hubOf(server, {
      auth: () => tokens.shift() ?? lapsed,
      fetch: async (url, init) => {
        const headers = new Headers(init?.headers)
        const response = await fetch(url, init)
        sent.push([headers.get('Authorization'), headers.get('Idempotency-Key'), response.status])
        return response
      },
    })
    const { body } = await hub.request<{ title: string }>('POST', '/boards/demo/cards', { title: 'Once' })
    expect(body.title).toBe('Once')
    expect(sent.map(([, , status]) => status)).toEqual([401, 201])
    expect(sent[0]?.[0]).not.toBe(sent[1]?.[0])
    expect(sent[0]?.[1]).toBe(sent[1]?.[1])
    // With no other token it is refused, and not tried again.
    tokens.push(lapsed, lapsed)
    sent.length = 0
    const refused = hub.request('POST', '/boards/demo/cards', { title: 'Never' })
    await expect(refused).rejects.toMatchObject({ code: 'refused', status: 401, problem: { code: 'token_expired' } })
    expect(sent).toHaveLength(1)
  })
})

describe('[CA6] what one may not read', () => {
  test.each(TRANSPORTS)('over %s it is reported to its reader only', async (transport) => {
    const server = await serve()
    const owner = await ownerOf(server)
    const hub = hubOf(server, { transport, auth: await tokenFor(['topic:t']) })
    const [mine, secret] = [new Collector(), new Collector()]
    hub.subscribe({ channels: ['topic:t'] }, mine)
    hub.subscribe({ channels: ['topic:secret'] }, secret)
    await secret.until('the refusal', () => secret.errors.length > 0)
    expect(secret.errors[0]).toMatchObject({ code: 'refused', status: 403 })
    await mine.isReady()
    await post(owner, 1)
    await mine.count(1)
    expect(mine.errors).toEqual([])
  })

  test('a mutation is refused, and not sent again', async () => {
    const server = await serve()
    let sent = 0
    const hub = hubOf(server, {
      auth: await tokenFor(['topic:t'], []),
      fetch: (url, init) => {
        sent += 1
        return fetch(url, init)
      },
    })
    const refused = hub.request('POST', '/topics/t/events', { event: 'n' })
    await expect(refused).rejects.toMatchObject({ code: 'refused', status: 403, problem: { code: 'forbidden' } })
    expect(sent).toBe(1)
  })

  test.each(TRANSPORTS)('over %s it stops a stream that has nothing else', async (transport) => {
    const server = await serve()
    const hub = hubOf(server, { transport, auth: await tokenFor(['topic:t']) })
    const secret = new Collector()
    hub.subscribe({ channels: ['topic:secret'] }, secret)
    const { stop } = await untilStatus(hub.status, 'the stop', ({ phase }) => phase === 'stopped' || phase === 'idle')
    if (stop) expect(stop.reason).toBe('forbidden')
    expect(secret.errors[0]).toMatchObject({ status: 403 })
  })
})

describe('[CA8] a socket of a component’s own', () => {
  function connect(server: TestServer, auth: Auth) {
    const made: string[] = []
    const frames: Frame[] = []
    class Socket extends WebSocket {
      constructor(url: string) {
        super(url)
        made.push(url)
      }
    }
    const socket = new ChannelSocket({
      baseUrl: server.url,
      channels: ['topic:t'],
      auth,
      WebSocket: Socket as unknown as WebSocketMaker,
      onEvent: (frame) => frames.push(frame),
    })
    socket.open()
    onTestFinished(() => socket.close())
    return { socket, made, frames }
  }

  test('is renewed by message: one socket, and nothing is missed', async () => {
    const server = await serve()
    const owner = await ownerOf(server)
    const tokens = shortLived(5_000)
    const { socket, made, frames } = connect(server, tokens.auth)
    await until(socket, 'connected', ({ connected }) => connected)
    const stop = posting(owner)
    await until(socket, 'renewals', () => tokens.asked >= 5, 40_000)
    const sent = await stop()
    await until(socket, 'all', () => frames.length >= sent)
    expect(numbers({ frames })).toEqual(upTo(sent))
    expect(made).toHaveLength(1)
    expect(made[0]).toMatch(/[?&]ticket=/)
    expect(socket.get()).toMatchObject({ connected: true, error: null })
  })

  test('4401: auth is asked once more, and it goes on where it was', async () => {
    const server = await serve()
    const owner = await ownerOf(server)
    const lapsing = await sign({ sub: 'me', exp: seconds(3 - LEEWAY_S), boardcast: { subscribe: ['topic:t'] } })
    let token = lapsing
    const { socket, made, frames } = connect(server, () => token)
    await until(socket, 'connected', ({ connected }) => connected)
    await post(owner, 0)
    await until(socket, 'the end', ({ connected, connecting }) => !connected && !connecting)
    expect(socket.get().error?.message).toMatch(/lapsed|expired|4401/)
    expect(made).toHaveLength(1)
    await post(owner, 1)
    token = await tokenFor(['topic:t'])
    socket.open()
    await until(socket, 'what was missed', () => frames.length === 2)
    expect(numbers({ frames })).toEqual([0, 1])
  })
})
