/**
 * What a node shows right after another one has answered 2xx. Under the doorbell `poll` it does not hear of the change for
 * up to a second, so only its own look at the database can be right. Rules N5a to N5c of docs/nodes.md.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseCursor } from '../../shared/src/cursor.ts'
import { HEADER } from '../../shared/src/protocol.ts'
import type { BoardState } from '../../shared/src/types/kanban.ts'
import { declaredRoutes } from '../../src/contract/index.ts'
import { eventually } from '../support/cluster.ts'
import { startNodes } from '../support/node-servers.ts'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { makeScene } from '../support/rights-scene.ts'
import { samples } from '../support/route-samples.ts'
import type { TestServer } from '../support/server.ts'
import { SocketClient } from '../support/socket.ts'
import { listen } from '../support/stream.ts'
import { bearer, SECRET, tokenFor } from '../support/tokens.ts'

const routes = declaredRoutes().map(({ method, path }) => `${method} ${path}`)

let postgres: PostgresServer

describe.skipIf(!hasPostgres())('several nodes', () => {
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  describe('right after an answer', () => {
    test('[N5a] every GET on every other node shows what every mutation did', async () => {
      await using nodes = await startNodes(postgres, 2, { jwtSecrets: [SECRET] })
      const [a, b] = nodes.servers
      const scene = await makeScene(a)
      const token = bearer(await tokenFor(['*']))
      const reads = routes.filter((name) => name.startsWith('get ') && name !== 'get /metrics/snapshot')
      const seenBy = (node: TestServer, names: readonly string[]) =>
        Promise.all(
          names.map(async (name) => {
            const { status, headers, body } = await node.call('GET', sampleOf(name).path, undefined, token)
            return [name, status, headers.get(HEADER.cursor), timeless(body)]
          }),
        )
      function sampleOf(name: string) {
        const sample = samples[name]?.(scene)
        if (!sample) throw new Error(`tests/support/route-samples.ts has no ${name}`)
        return sample
      }
      // What deletes comes last, and what others need is deleted last.
      const writes = routes.filter((name) => !name.startsWith('get ')).toSorted((x, y) => deletes(x) - deletes(y))
      for (const [n, name] of writes.entries()) {
        const { path, body, status } = sampleOf(name)
        const answer = await a.call(name.split(' ')[0]?.toUpperCase() ?? '', path, body, token)
        expect([name, answer.status]).toEqual([name, status])
        // Those of the same things, and every third of the others.
        const some = reads.filter((read, index) => thingOf(read) === thingOf(name) || (index + n) % 3 === 0)
        const [onOther, onSame] = await Promise.all([seenBy(b, some), seenBy(a, some)])
        expect([name, onOther]).toEqual([name, onSame])
      }
    })

    test('[N5b] a new stream or socket on another node begins with it, and shows it once', async () => {
      await using nodes = await startNodes(postgres, 2)
      const [a, b] = nodes.servers
      await a.post('/boards', { id: 'demo', name: 'Demo' })
      // What is rendered for these is kept for the next.
      const open = await Promise.all(OPENINGS.map((path) => Watcher.open(b.url, path)))
      for (let n = 0; n < 12; n++) {
        const { id, eventId } = await a.post<{ id: string }>('/boards/demo/cards', { title: `card ${n}` })
        const news = await Promise.all(OPENINGS.map((path) => Watcher.open(b.url, path)))
        for (const client of news) {
          const first = await client.opening()
          expect([client.path, seqOf(first.id) >= seqOf(eventId)]).toEqual([client.path, true])
          if (first.state) expect(first.state.cards[id]?.title).toBe(`card ${n}`)
        }
        open.push(...news)
      }
      const { eventId } = await a.post('/boards/demo/cards', { title: 'the last' })
      for (const client of open) {
        await client.reach(eventId)
        const { id } = await client.opening()
        const shown = client.events.map((event) => seqOf(event.id))
        const due = Array.from({ length: seqOf(eventId) - seqOf(id) }, (_, n) => seqOf(id) + 1 + n)
        // The full view has states in their place.
        expect([client.path, shown]).toEqual([client.path, /boardId=demo$/.test(client.path) ? [] : due])
        client.close()
      }
    })

    test('[N5c] get_state on a socket of another node sends it', async () => {
      await using nodes = await startNodes(postgres, 2)
      const [a, b] = nodes.servers
      await a.post('/boards', { id: 'demo', name: 'Demo' })
      for (const view of ['full', 'diff']) {
        await using socket = await SocketClient.open(b.url, `/ws?boardId=demo&view=${view}`)
        await socket.first('state', ({ type }) => type === 'state')
        for (let n = 0; n < 10; n++) {
          const { id, eventId } = await a.post<{ id: string }>('/boards/demo/cards', { title: `card ${n}` })
          const before = socket.messages.length
          expect(await socket.ask({ type: 'get_state' })).toMatchObject({ success: true })
          await socket.until(() => socket.messages.slice(before).some(({ type }) => type === 'state'))
          const state = socket.messages.findLast(({ type }) => type === 'state')
          expect(state?.payload.cards[id]?.title).toBe(`card ${n}`)
          expect(seqOf(state?.id)).toBeGreaterThanOrEqual(seqOf(eventId))
        }
      }
    })
  })
})

/** `post /boards/:boardId/cards` is of `boards`. */
function thingOf(name: string): string | undefined {
  return name.split('/')[1]
}

function deletes(name: string): number {
  if (!name.startsWith('delete ')) return 0
  return name === 'delete /boards/:boardId' ? 2 : 1
}

/** Without what passes by itself. */
function timeless(body: unknown): string {
  return (JSON.stringify(body) ?? '')
    .replaceAll(/("(?:elapsedSeconds|durationSeconds)"):\d+/g, '$1:0')
    .replaceAll(/("(?:generatedAt|from|to|timestamp)"):"[^"]*"/g, '$1:""')
}

/** Streams and sockets of a board, with and without whole states, alone and with other channels. */
const OPENINGS = [
  '/sse?boardId=demo',
  '/sse?boardId=demo&view=diff',
  '/sse?channels=board:demo',
  '/sse?channels=dashboard,board:demo',
  '/sse?channels=global',
  '/sse?channels=global&since=now',
  '/ws?boardId=demo',
  '/ws?boardId=demo&view=diff',
  '/ws?channels=board:demo&global=0',
  '/ws?channels=global',
]

interface Shown {
  readonly name: string
  readonly id: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read payloads of every shape.
  readonly data: any
}

/** A stream or a socket, and what it shows, alike. */
class Watcher {
  readonly path: string
  readonly #all: () => readonly Shown[]
  readonly close: () => void

  private constructor(path: string, all: () => readonly Shown[], close: () => void) {
    this.path = path
    this.#all = all
    this.close = close
  }

  static async open(url: string, path: string): Promise<Watcher> {
    if (path.startsWith('/sse')) {
      const stream = await listen(url, path)
      const isBare = path.includes('boardId')
      const all = () =>
        stream.frames.map(({ event, id, data }) => ({
          name: event,
          id: id ?? data.id ?? '',
          data: isBare ? data : data.data,
        }))
      return new Watcher(path, all, () => stream.close())
    }
    const socket = await SocketClient.open(url, path)
    const all = () =>
      socket.messages
        .filter(({ type, id }) => type !== 'connected' && id !== undefined)
        .map(({ type, event = type, payload, data = payload, id = '' }) => ({ name: event, id, data }))
    return new Watcher(path, all, () => socket.websocket.terminate())
  }

  /** The id at which it begins, and the state if it has one. */
  async opening(): Promise<{ readonly id: string; readonly state: BoardState | undefined }> {
    const isBoard = this.path.includes('demo')
    await this.#until(isBoard ? 'state' : 'hello', () => this.#first(isBoard ? 'state' : 'hello') !== undefined)
    const { id = '', data } = this.#first(isBoard ? 'state' : 'hello') ?? {}
    return { id, state: isBoard ? data : undefined }
  }

  /** Resolves when it has shown this event, or a state with it. */
  reach(eventId: string): Promise<void> {
    return this.#until(eventId, () => this.#all().some(({ id, name }) => name !== 'hello' && id === eventId))
  }

  /** The cards that it showed as created. */
  get events(): readonly Shown[] {
    return this.#all().filter(({ name }) => name === 'card_created' || name === 'card.created')
  }

  #first(name: string): Shown | undefined {
    return this.#all().find((shown) => shown.name === name)
  }

  #until(what: string, condition: () => boolean): Promise<void> {
    return eventually(`${this.path}: ${what}`, async () => condition(), 10_000)
  }
}

function seqOf(cursor: string | undefined): number {
  return parseCursor(cursor ?? '')?.seq ?? Number.NaN
}
