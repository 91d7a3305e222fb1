/**
 * Every proxy of docs/operations.md with the file that is shown there, in front of a real server. Rules PX1 to PX6.
 * `npm run test:proxies` runs them alone.
 */
import { EventSource } from 'eventsource'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient } from '../../web/client/index.ts'
import { createApiClient } from '../support/api.ts'
import { stats } from '../support/board.ts'
import { ChildServer } from '../support/child-server.ts'
import type { RunningProxy } from '../support/proxy-process.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { type Listener, listen } from '../support/stream.ts'
import { isInstalled, PROXIES, startProxy } from './programs.ts'

/** Streams of one browser over HTTP/2, or of a few browsers. */
const STREAMS = 12

for (const kind of PROXIES) {
  describe.skipIf(!isInstalled(kind))(`behind ${kind.name}`, () => {
    let server: TestServer
    let proxy: RunningProxy
    beforeAll(async () => {
      server = await startTestServer({ heartbeatMs: 500 })
      proxy = await startProxy(kind, server.port)
    })
    afterAll(async () => {
      await proxy?.[Symbol.asyncDispose]()
      await server?.[Symbol.asyncDispose]()
    })

    /** Through the proxy. */
    async function post(topic: string, data: unknown): Promise<string> {
      using api = createApiClient(proxy.url)
      const { status, eventId } = await api.call('POST', `/topics/${topic}/events`, { event: 'said', data })
      expect(status).toBe(202)
      return eventId
    }

    it.each(['identity', 'gzip'])('[PX1] every event arrives before the next is posted: %s', async (encoding) => {
      await using listener = await listen(proxy.url, '/sse?channels=topic:talk', {
        headers: { 'Accept-Encoding': encoding },
      })
      await listener.frame('hello')
      for (let n = 0; n < 5; n++) await listener.id(await post('talk', n))
      expect(listener.named('said').map(({ data }) => data.data)).toEqual([0, 1, 2, 3, 4])
      await listener.frame('heartbeat')
    })

    it('[PX2] many streams at once, and requests beside them', async () => {
      const path = '/sse?channels=topic:many'
      const listeners: Listener[] = []
      for (let n = 0; n < STREAMS; n++) listeners.push(await listen(proxy.url, path))
      const id = await post('many', 'to all')
      for (const listener of listeners) await listener.id(id)
      for (const listener of listeners) await listener[Symbol.asyncDispose]()
      // What a client closes ends here too, if not at once.
      await eventually('the end of the streams', async () => {
        return (await stats(server)).connections.sse === 0
      })
    })

    it('[PX3] sockets pass, with what is sent on them', async () => {
      await using socket = await SocketClient.open(proxy.url, '/ws?global=0')
      await socket.ask({ type: 'subscribe', channel: 'topic:sockets' })
      const { eventId } = await socket.ask({
        type: 'publish',
        channel: 'topic:sockets',
        event: 'said',
        data: { text: 'é'.repeat(5_000) },
      })
      expect((await socket.id(eventId)).data.text).toHaveLength(5_000)
    })

    it('[PX4] the address of a stream with a hundred long names, and a body of 1 MB', async () => {
      const { longestAddress = Number.POSITIVE_INFINITY } = kind
      const count = Math.min(100, Math.floor(longestAddress / 200) - 1)
      const names = Array.from({ length: count }, (_, n) => `topic:${'n'.repeat(190)}${n}`)
      await using listener = await listen(proxy.url, `/sse?channels=${names.join(',')}`)
      const id = await post(names.at(-1)?.slice('topic:'.length) ?? '', 'x'.repeat(900_000))
      await listener.id(id)
    })

    it('[PX5] a stream that resumes, by header and by address', async () => {
      const since = await post('resume', 1)
      const id = await post('resume', 2)
      await using byHeader = await listen(proxy.url, '/sse?channels=topic:resume', {
        headers: { 'Last-Event-ID': since },
      })
      await byHeader.id(id)
      await using byAddress = await listen(proxy.url, `/sse?channels=topic:resume&since=${since}`)
      await byAddress.id(id)
    })

    const outcome = kind.bringsBack ? 'comes back' : 'ends, and the client library comes back'
    it(`[PX6] over a restart a native EventSource ${outcome}`, async () => {
      await using own = await ChildServer.start()
      await using front = await startProxy(kind, own.port)
      await call(own, '/boards', { id: 'restart', name: 'Restart' })
      const source = new EventSource(`${front.url}/sse?boardId=restart&view=diff`)
      const hub = createClient({
        baseUrl: front.url,
        share: 'none',
        backoff: { firstMs: 100, maxMs: 500, failures: 1_000 },
      })
      const titles = { native: [] as string[], library: [] as string[] }
      source.addEventListener('card_created', ({ data }) => titles.native.push(JSON.parse(data).card.title))
      hub.subscribe(
        { channels: ['board:restart'], types: ['card_created'] },
        { event: ({ data }) => titles.library.push(data.card.title) },
      )
      try {
        await eventually('both', async () => {
          using api = createApiClient(own.url)
          return (await api.call('GET', '/stats')).body.connections.sse === 2
        })
        await call(own, '/boards/restart/cards', { title: 'before' })
        await eventually('the first card', () => titles.native.length === 1 && titles.library.length === 1)
        await own.stop('SIGKILL')
        // It asks while nobody is there, and is answered by the proxy, or waits.
        const asked = performance.now()
        await eventually('an answer', () => {
          return source.readyState === source.CLOSED || (kind.bringsBack && performance.now() - asked > 3_000)
        })
        await own.start()
        await call(own, '/boards/restart/cards', { title: 'after' })
        await eventually('the second card', () => titles.library.length === 2)
        if (kind.bringsBack) await eventually('the second card', () => titles.native.length === 2)
        expect(titles.library).toEqual(['before', 'after'])
        expect(titles.native).toEqual(kind.bringsBack ? ['before', 'after'] : ['before'])
      } finally {
        source.close()
        hub.close()
      }
    })
  })
}

async function call({ url }: { readonly url: string }, path: string, body: unknown): Promise<void> {
  using api = createApiClient(url)
  expect((await api.call('POST', path, body)).status).toBe(201)
}

/** Proxies start, and give up, in their own time. */
async function eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 40_000; performance.now() < end; ) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`waited for ${what}`)
}
