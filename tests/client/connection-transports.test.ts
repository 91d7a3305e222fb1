/**
 * Each transport against a real server, with streams that end, are refused, and carry events with unknown names.
 *
 * CT1  `eventsource` delivers what the others deliver, whatever the names of events.
 * CT2  With `names=0` only the envelope contains the names.
 * CT3  Over `eventsource` the client reconnects by itself.
 * CT4  Which refusals stop at once, also where the transport does not show the status.
 * CT5  Streams that end cleanly are not failures.
 * CT6  No delay is so long that its timer fires at once.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { EventSource } from 'eventsource'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ClientOptions } from '../../web/client/base/options.ts'
import { createClient, type Hub } from '../../web/client/hub/client.ts'
import { makeBoard, makeCard } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { listen } from '../support/stream.ts'
import { Collector } from './support/collector.ts'
import { Gateway } from './support/gateway.ts'
import { untilStatus } from './support/status.ts'

const QUICK = { firstMs: 20, maxMs: 100 }
const TRANSPORTS = ['fetch', 'eventsource', 'ws'] as const

async function serve(overrides: Parameters<typeof startTestServer>[0] = {}): Promise<TestServer> {
  const server = await startTestServer(overrides)
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

function hubOf(baseUrl: string, options: ClientOptions): Hub {
  const hub = createClient({ baseUrl, share: 'none', backoff: QUICK, EventSource, WebSocket, ...options })
  onTestFinished(() => hub.close())
  return hub
}

async function reading(hub: Hub, channels: string[], types?: string[]): Promise<Collector> {
  const reader = new Collector()
  hub.subscribe({ channels, types }, reader)
  await reader.isReady()
  return reader
}

const post = (server: TestServer, event: string) => server.post('/topics/t/events', { event, data: { event } })

describe.each(TRANSPORTS)('over %s', (transport) => {
  test.each([
    ['a topic', ['topic:t'], undefined],
    ['a topic, with *', ['topic:t'], ['*']],
    ['a topic, with the beginning of names', ['topic:t'], ['dep*', 'card.done', 'hello.world']],
    ['global', ['global'], undefined],
    ['a topic and global', ['topic:t', 'global'], undefined],
  ] as const)('[CT1] events on %s come under the names that they were posted with', async (_what, channels, types) => {
    const server = await serve()
    const hub = hubOf(server.url, { transport })
    const reader = await reading(hub, [...channels], types && [...types])
    const names = ['deploy', 'dep', 'card.done', 'hello.world']
    for (const name of names) await post(server, name)
    const { eventId } = await post(server, 'dep-last')
    await reader.id(eventId)
    expect(reader.frames.map(({ event }) => event)).toEqual([...names, 'dep-last'])
    expect(reader.frames.every(({ event, data }) => (data as { event: string }).event === event)).toBe(true)
    expect(hub.status.get()).toMatchObject({ unreadable: 0, unknown: 0 })
  })

  test('[CT1] an event on a topic advances the cursor of a stream of global', async () => {
    const server = await serve({ heartbeatMs: 60_000 })
    const hub = hubOf(server.url, { transport })
    const reader = await reading(hub, ['global'])
    const { eventId } = await post(server, 'deploy')
    await reader.id(eventId)
    await untilStatus(hub.status, 'its id', ({ lastEventId }) => lastEventId === eventId)
  })

  test('[CT5] streams that the server ends every second are not failures, and nothing is missed', async () => {
    const server = await serve({ streamMaxAgeMs: 100 })
    const road = await Gateway.to(server.port)
    onTestFinished(() => road[Symbol.asyncDispose]())
    // Two failures would be enough for unreachable.
    const hub = hubOf(road.url, { transport, backoff: { firstMs: 10, maxMs: 20, failures: 2 } })
    const reader = await reading(hub, ['topic:t'])
    const seen = new Set<string>()
    hub.status.subscribe(() => seen.add(hub.status.get().phase))
    const ids: string[] = []
    while (road.streams.length < 5) {
      ids.push((await post(server, `n${ids.length}`)).eventId)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    await reader.until('everything', () => reader.frames.length >= ids.length)
    expect(reader.ids).toEqual(ids)
    expect([...seen].sort()).toEqual(expect.arrayContaining(['open', 'reconnecting']))
    expect(seen.has('stopped')).toBe(false)
    expect(hub.status.get().attempt).toBe(0)
  })

  test.each([
    ['502', 502, {}],
    ['503', 503, { 'Retry-After': '0' }],
    ['504', 504, {}],
    ['429', 429, { 'Retry-After': '0' }],
    ['a login page', 200, { 'Content-Type': 'text/html' }],
  ])('[CT3] [CT4] it comes back after %s', async (_what, status, headers) => {
    const server = await serve()
    const road = await Gateway.to(server.port)
    onTestFinished(() => road[Symbol.asyncDispose]())
    const hub = hubOf(road.url, { transport })
    const reader = await reading(hub, ['topic:t'])
    await post(server, 'one')
    await reader.count(1)
    road.refuse(status, headers)
    road.cut()
    await post(server, 'two')
    const { detail } = await untilStatus(hub.status, 'two failures', ({ attempt }) => attempt >= 2)
    if (status === 200) expect(detail).toContain('an event stream but got text/html')
    road.pass()
    await post(server, 'three')
    await reader.count(3)
    expect(reader.frames.map(({ event }) => event)).toEqual(['one', 'two', 'three'])
    expect(road.streams.at(-1)).toMatch(/lastEventId=/)
  })

  test.each([
    [204, 'no-content'],
    [205, 'refused'],
    [299, 'refused'],
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [404, 'not-found'],
    [410, 'refused'],
  ])('[CT4] %i stops at once: %s', async (status, reason) => {
    const asked: string[] = []
    const server = await answering((incoming, outgoing) => {
      asked.push(incoming.method ?? '')
      outgoing.writeHead(status).end()
    })
    const hub = hubOf(server, { transport })
    hub.subscribe({ channels: ['topic:t'] }, {})
    const { stop } = await untilStatus(hub.status, 'the stop', ({ phase }) => phase === 'stopped')
    expect(stop).toMatchObject({ reason, status })
    // Transports that do not show the status probe twice.
    expect(asked).toEqual(
      transport === 'fetch' ? ['GET'] : transport === 'ws' ? ['HEAD', 'GET'] : ['GET', 'HEAD', 'GET'],
    )
  })
})

/** A server with one answer to every request, including upgrades. Returns its address. */
async function answering(answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void): Promise<string> {
  const server = createServer((incoming, outgoing) => {
    if (incoming.headers.upgrade) outgoing.writeHead(400).end()
    else answer(incoming, outgoing)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

describe('a status that the transport does not show', () => {
  test.each([405, 404, 403, 501])(
    '[CT4] a HEAD answered with %i does not stop the stream by itself',
    async (status) => {
      const asked: string[] = []
      const url = await answering(({ method }, outgoing) => {
        asked.push(method ?? '')
        if (method === 'HEAD') outgoing.writeHead(status).end()
        else outgoing.writeHead(200, { 'Content-Type': 'text/html' }).end('<title>Log in</title>')
      })
      const hub = hubOf(url, { transport: 'eventsource' })
      hub.subscribe({ channels: ['topic:t'] }, {})
      await untilStatus(hub.status, 'another try', ({ attempt }) => attempt >= 2)
      expect(hub.status.get().phase).toBe('reconnecting')
    },
  )

  test('[CT4] the probe sends the same credentials as the transport, but a token in a header', async () => {
    const asked: string[] = []
    const url = await answering(({ method, url = '', headers }, outgoing) => {
      const { pathname, searchParams } = new URL(`http://x${url}`)
      const query = [...searchParams].filter(([name]) => /^(token|ticket|key)$/.test(name)).join()
      asked.push([method, pathname, headers.authorization, headers['x-key'], query].filter(Boolean).join(' '))
      if (pathname === '/api/v1/tickets') {
        outgoing.writeHead(201, { 'Content-Type': 'application/json' }).end('{"ticket":"once"}')
      } else outgoing.writeHead(403).end()
    })
    async function stopped(auth: ClientOptions['auth']): Promise<string[]> {
      asked.length = 0
      const hub = hubOf(url, { transport: 'eventsource', auth })
      hub.subscribe({ channels: ['topic:t'] }, {})
      await untilStatus(hub.status, 'the stop', ({ phase }) => phase === 'stopped')
      return asked
    }
    const probes = ['HEAD', 'GET']
    expect(await stopped('secret')).toEqual([
      'POST /api/v1/tickets Bearer secret',
      'GET /sse ticket,once',
      ...probes.map((method) => `${method} /sse Bearer secret`),
    ])
    const own = { headers: { 'X-Key': 'header' }, query: { key: 'query' } }
    expect(await stopped(() => own)).toEqual(['GET', ...probes].map((method) => `${method} /sse key,query`))
  })

  test('[CT4] no answer to the probe is a failure', async () => {
    const url = await answering(({ method }, outgoing) => {
      if (method === 'GET') outgoing.writeHead(403).end()
    })
    let timeouts = 0
    const clock = {
      now: () => Date.now(),
      // Shortens only the timeout of ten seconds.
      setTimeout(callback: () => void, ms: number): unknown {
        if (ms === 10_000) timeouts += 1
        return setTimeout(callback, ms === 10_000 ? 50 : ms)
      },
      clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
    }
    const hub = hubOf(url, { transport: 'eventsource', clock })
    hub.subscribe({ channels: ['topic:t'] }, {})
    const { detail } = await untilStatus(hub.status, 'two failures', ({ attempt }) => attempt >= 2)
    expect(detail).toContain('no answer')
    expect(timeouts).toBeGreaterThanOrEqual(2)
  })

  test('[CT6] a Retry-After of years does not fire at once', async () => {
    const url = await answering((_, outgoing) => outgoing.writeHead(503, { 'Retry-After': '9999999999' }).end())
    const delays: number[] = []
    const clock = {
      now: () => Date.now(),
      setTimeout(callback: () => void, ms: number): unknown {
        delays.push(ms)
        return setTimeout(callback, ms)
      },
      clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
    }
    const hub = hubOf(url, { transport: 'fetch', clock, heartbeatTimeoutMs: 2 ** 40 })
    hub.subscribe({ channels: ['topic:t'] }, {})
    await untilStatus(hub.status, 'a failure', ({ attempt }) => attempt === 1)
    expect(Math.max(...delays)).toBe(2 ** 31 - 1)
  })

  test('[CT4] the detail names a proxy that does not support WebSockets', async () => {
    const server = await serve()
    const url = await answering(({ method }, outgoing) => {
      outgoing.writeHead(200, { 'Content-Type': 'text/event-stream' })
      if (method === 'HEAD') outgoing.end()
    })
    const hub = hubOf(url, { transport: 'ws' })
    hub.subscribe({ channels: ['topic:t'] }, {})
    const { detail } = await untilStatus(hub.status, 'a failure', ({ attempt }) => attempt >= 1)
    expect(detail).toContain('may not support WebSockets')
    expect(server.url).not.toBe(url)
  })

  test('[CT4] a transport that cannot open is a failure, not a crash', async () => {
    class Forbidden {
      constructor() {
        throw new DOMException('sockets over http from a page over https', 'SecurityError')
      }
    }
    const hub = hubOf('http://127.0.0.1:9', { transport: 'ws', WebSocket: Forbidden as unknown as typeof WebSocket })
    hub.subscribe({ channels: ['topic:t'] }, {})
    const { detail } = await untilStatus(hub.status, 'two failures', ({ attempt }) => attempt >= 2)
    expect(detail).toContain('SecurityError')
  })

  test('[CT3] connections that are refused, reset, or closed without an answer', async () => {
    const server = await serve()
    const board = await makeBoard(server)
    const accidents: Array<(incoming: IncomingMessage) => void> = [
      ({ socket }) => void socket.resetAndDestroy(),
      ({ socket }) => void socket.end(),
      ({ socket }) => void socket.destroy(),
    ]
    let accident: ((incoming: IncomingMessage) => void) | undefined
    const proxy = createServer(async (incoming, outgoing) => {
      if (accident) {
        accident(incoming)
        return
      }
      const controller = new AbortController()
      outgoing.on('close', () => controller.abort())
      try {
        const { status, headers, body } = await fetch(`${server.url}${incoming.url}`, { signal: controller.signal })
        outgoing.writeHead(status, { 'Content-Type': headers.get('Content-Type') ?? '' })
        for await (const chunk of body ?? []) outgoing.write(chunk)
        outgoing.end()
      } catch {
        outgoing.destroy()
      }
    })
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => {
      proxy.closeAllConnections()
      proxy.close()
    })
    const address = proxy.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    const hub = hubOf(url, { transport: 'eventsource' })
    const reader = await reading(hub, [`board:${board.id}`])
    const ids: string[] = []
    for (const each of accidents) {
      accident = each
      proxy.closeAllConnections()
      await untilStatus(hub.status, 'two failures', ({ attempt }) => attempt >= 2)
      ids.push((await makeCard(server, board.id)).eventId)
      accident = undefined
      await untilStatus(hub.status, 'the stream', ({ phase }) => phase === 'open')
      ids.push((await makeCard(server, board.id)).eventId)
      await reader.id(ids.at(-1) ?? '')
    }
    expect(reader.ids).toEqual(ids)
  })
})

/** The text of a stream so far. */
async function textOf(url: string): Promise<{ text: string }> {
  const controller = new AbortController()
  onTestFinished(() => controller.abort())
  const { body } = await fetch(url, { signal: controller.signal })
  const read = { text: '' }
  void (async () => {
    for await (const chunk of body?.pipeThrough(new TextDecoderStream()) ?? []) read.text += chunk
  })().catch(() => undefined)
  return read
}

describe('names=0', () => {
  test('[CT2] frames of a channel stream have no event line; the envelope contains the name', async () => {
    const server = await serve({ heartbeatMs: 100 })
    const board = await makeBoard(server)
    const nameless = await textOf(`${server.url}/sse?channels=board:${board.id},topic:t&names=0`)
    await using named = await listen(server.url, `/sse?channels=board:${board.id},topic:t`)
    await makeCard(server, board.id)
    const { eventId } = await post(server, 'mine')
    await named.id(eventId)
    await expect.poll(() => nameless.text).toContain(`"event":"mine"`)
    await expect.poll(() => nameless.text).toContain(`"event":"heartbeat"`)
    expect(nameless.text).not.toMatch(/^event:/m)
    const envelopes = [...nameless.text.matchAll(/^data: (.*)$/gm)].map(([, text]) => JSON.parse(text ?? ''))
    const events = envelopes.map(({ event }) => event).filter((event) => event !== 'heartbeat')
    expect(events).toEqual(['hello', 'state', 'card_created', 'mine'])
    expect(nameless.text).toContain(`id: ${eventId}\n`)
  })

  test.each([
    '/sse?types=hello&names=0',
    '/events/a?names=0',
    '/sse?channels=topic:t&names=1',
    '/sse?channels=topic:t&names=',
  ])('[CT2] %s has names', async (path) => {
    const server = await serve()
    await using named = await listen(server.url, path)
    await named.frame('hello')
    expect(named.body).toMatch(/^event: hello$/m)
  })
})
