/**
 * The same as delivery.test.ts over real sockets: a whole server, listeners that stop reading until the kernel's buffers
 * are full, are cut at any byte and come back.
 *
 *   U13  Whatever listeners go through, what they got is what the log holds, in its order, and the last `state` of a
 *        `full` view is the state of the board.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BoardState } from '../../shared/src/types/kanban.ts'
import { type ApiClient, createApiClient } from '../support/api.ts'
import { difference, expectedSightings, sightings } from '../support/comparing.ts'
import { readLog } from '../support/log-reader.ts'
import { createRandom } from '../support/random.ts'
import { bareOf, Received } from '../support/received.ts'
import { startTestServer } from '../support/server.ts'
import type { Listening } from '../support/sights.ts'
import { Tail } from '../support/tail.ts'
import { Writer } from '../support/writer.ts'

const BOARD = 'demo'
const AGENTS = ['agent-ann', 'agent-bob']

type Step =
  | { readonly does: 'write'; readonly mutations: number }
  | { readonly does: 'flood' }
  | { readonly does: 'connect' | 'cut' | 'pause' | 'resume'; readonly who: number; readonly bytes: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ does: fc.constant('write' as const), mutations: fc.integer({ min: 1, max: 25 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ does: 'flood' as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constantFrom('connect', 'connect', 'cut', 'pause', 'resume'),
      who: fc.nat(5),
      bytes: fc.nat(200_000),
    }),
  },
)

const channel = fc.constantFrom('global', `board:${BOARD}`, `project:${BOARD}`, ...AGENTS.map((id) => `agent:${id}`))
const types = fc.option(fc.constantFrom(['card_*', 'state'], ['attempt_log', 'output_batch']), {
  nil: undefined,
  freq: 4,
})
const wish = fc.record({
  channels: fc.uniqueArray(channel, { minLength: 1, maxLength: 4 }),
  view: fc.constantFrom('full' as const, 'diff' as const),
  types,
  gzip: fc.boolean(),
})

test('[U13] stalled, cut and resumed sockets lose nothing', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(wish, { minLength: 3, maxLength: 6 }),
      fc.array(step, { minLength: 5, maxLength: 30 }),
      fc.nat(),
      async (wishes, steps, seed) => {
        await using server = await startTestServer({ heartbeatMs: 100 })
        using api = createApiClient(server.url)
        await api.call('POST', '/boards', { id: BOARD, name: 'Demo' })
        const listeners = wishes.map(
          ({ gzip, types, ...listening }) =>
            new SocketListener(server.url, types ? { ...listening, types } : listening, gzip),
        )
        const work = await Work.begin(api, seed)
        for (const one of steps) {
          if (one.does === 'write') work.write(one.mutations)
          else if (one.does === 'flood') work.flood()
          else listeners[one.who % listeners.length]?.[one.does](one.bytes)
          // The request starts; whether it ends before the next step depends on the sockets.
          await new Promise(setImmediate)
        }
        await work.done()
        const { state, cursor } = await api.get(`/boards/${BOARD}`)
        const log = await readLog(server.url, 'earliest', cursor)
        for (const listener of listeners) await listener.reach(log.length)
        for (const listener of listeners) {
          await listener.untilState(state)
          await listener.close()
          const { received, listening } = listener
          const named = JSON.stringify(listening)
          expect([received.faults, received.gaps], named).toEqual([[], []])
          const { start = 0, frames, reached } = received.stretch
          expect(reached, named).toBe(log.length)
          const due = log.filter(({ seq }) => seq > start)
          expect(difference(sightings(frames, false), expectedSightings(due, listening, false)), named).toBeNull()
        }
      },
    ),
    // Sockets behave differently each time, so shrinking would not help.
    { numRuns: 12, endOnFailure: true },
  )
})

/** Two writers, each of which does one thing at a time. */
class Work {
  readonly #api: ApiClient
  readonly #writers: readonly Writer[]
  readonly #chains: Promise<void>[]

  /** Each has a card with an attempt. */
  static async begin(api: ApiClient, seed: number): Promise<Work> {
    const random = createRandom(seed)
    const writers = ['ann', 'bob'].map((name) => new Writer({ name, boardId: BOARD, random }))
    for (const writer of writers) {
      const { body: card } = await api.call('POST', `/boards/${BOARD}/cards`, { title: 'a' })
      const { body: attempt } = await api.call('POST', `/cards/${card.id}/attempts`, {
        agent: writer.agent,
        status: 'running',
      })
      writer.cards.push({ id: card.id, attempt: { id: attempt.id, lines: 0 } })
    }
    return new Work(api, writers)
  }

  private constructor(api: ApiClient, writers: readonly Writer[]) {
    this.#api = api
    this.#writers = writers
    this.#chains = writers.map(() => Promise.resolve())
  }

  write(mutations: number): void {
    this.#each(async (writer) => {
      for (let n = 0; n < mutations; n++) await this.#carryOut(writer.plan())
    })
  }

  /** More than the kernel buffers for a stalled connection. */
  flood(): void {
    this.#each(async (writer) => {
      const card = writer.cards.find(({ attempt }) => attempt)
      if (!card?.attempt) return
      for (let batch = 0; batch < 4; batch++) await this.#carryOut(writer.bigBatch(card.attempt, 14))
    })
  }

  async done(): Promise<void> {
    await Promise.all(this.#chains)
  }

  #each(work: (writer: Writer) => Promise<void>): void {
    for (const [index, writer] of this.#writers.entries()) {
      this.#chains[index] = (this.#chains[index] ?? Promise.resolve()).then(() => work(writer))
    }
  }

  async #carryOut(plan: ReturnType<Writer['plan']>): Promise<void> {
    const reply = await this.#api.call(plan.method, plan.path, plan.body)
    if (reply.status < 300 || reply.status === plan.endsOn) plan.done(reply)
  }
}

class SocketListener {
  readonly listening: Listening
  readonly received = new Received()
  readonly #url: string
  readonly #gzip: boolean
  #tail: Tail | null = null
  /** A cut connection may still have bytes to decompress; the next one begins after that. */
  #before: Promise<void> = Promise.resolve()
  #ended: Promise<void> = Promise.resolve()
  #waiting: (() => void) | null = null
  /** Reconnects whenever it is cut. */
  #isStaying = false

  constructor(url: string, listening: Listening, gzip: boolean) {
    this.#url = url
    this.listening = listening
    this.#gzip = gzip
  }

  /** Opens a connection unless one is open. It is cut after that many bytes, except for the largest numbers. */
  connect(bytes = Infinity): void {
    this.#before = this.#before.then(() => {
      if (this.#tail) return
      this.received.connect()
      const tail = new Tail(this.#url, this.#path, {
        headers: { ...(this.#gzip && { 'Accept-Encoding': 'gzip' }), ...this.#cursor },
        cutAfter: bytes > 100_000 ? Infinity : bytes + 1,
        onFrame: (frame) => {
          this.received.take(frame)
          this.#waiting?.()
        },
      })
      this.#tail = tail
      this.#ended = tail.closed.then(() => {
        if (tail.fault) this.received.faults.push(tail.fault.message)
        this.#tail = null
        if (this.#isStaying) this.connect()
      })
    })
  }

  cut(): void {
    this.#before = this.#before.then(() => {
      this.#tail?.cut()
      return this.#ended
    })
  }

  pause(): void {
    this.#tail?.socket.pause()
  }

  resume(): void {
    this.#tail?.socket.resume()
  }

  /** Reads, or reconnects where it was cut, and resolves when it has reached this position. */
  async reach(seq: number): Promise<void> {
    this.resume()
    this.#isStaying = true
    this.connect()
    await this.#until(() => this.received.reached >= seq)
  }

  /** Resolves when the last `state` is this one, if the listener gets states. */
  async untilState(state: BoardState): Promise<void> {
    const { channels, view, types } = this.listening
    if (view !== 'full' || !channels.includes(`board:${BOARD}`) || (types && !types.includes('state'))) return
    await this.#until(() => {
      const last = this.received.stretch.frames.findLast(({ event }) => event === 'state')
      return last !== undefined && JSON.stringify(bareOf(last.text)) === JSON.stringify(state)
    })
  }

  async close(): Promise<void> {
    this.#isStaying = false
    this.cut()
    await this.#before
  }

  get #path(): string {
    const { channels, view, types } = this.listening
    const named = channels.map((name) => (name.startsWith('board:') ? `${name};${view}` : name))
    return `/sse?channels=${named.join(',')}${types ? `&types=${types.join(',')}` : ''}`
  }

  get #cursor(): Record<string, string> {
    const { lastEventId } = this.received
    return lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId }
  }

  #until(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting = () => {
        if (!condition()) return
        this.#waiting = null
        resolve()
      }
      this.#waiting()
    })
  }
}
