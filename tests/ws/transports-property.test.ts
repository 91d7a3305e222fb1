/**
 * The same run over Server-Sent Events, WebSocket and Socket.IO, on a whole server with real sockets and real clients.
 *
 *   W8    The same channels give the same events with the same ids, in the same order and with the same payloads, however
 *         often a connection is cut and wherever it stalls.
 *   W26   Joining and leaving channels under load: every connection receives, message by message, what the log holds,
 *   W27   and every event on every channel is the one that GET /events reads back from that channel.
 *   W42   A client comes back with the greatest id after the acknowledgement, as far as it is safe:
 *   W43   the last event may be repeated, nothing is missed.
 *   SIO7  Over Socket.IO too.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCursor } from '../../shared/src/cursor.ts'
import { type ApiClient, createApiClient } from '../support/api.ts'
import { difference } from '../support/comparing.ts'
import { readLog, type SeenEvent } from '../support/log-reader.ts'
import { Membership, type Told } from '../support/membership.ts'
import { createRandom } from '../support/random.ts'
import { startTestServer } from '../support/server.ts'
import { ChannelPeer, type Heard, PEERS, type PeerKind } from '../support/transports.ts'
import { Writer } from '../support/writer.ts'

const BOARD = 'demo'
const AGENTS = ['agent-ann', 'agent-bob']
const CHANNELS = ['global', `board:${BOARD}`, `project:${BOARD}`, ...AGENTS.map((id) => `agent:${id}`), 'topic:talk']
/** Events about a connection, which are not in the log. */
const UNSTORED = new Set(['hello', 'heartbeat', 'gap', 'state'])

type Step =
  | { readonly does: 'write'; readonly mutations: number }
  | { readonly does: 'flood' }
  | { readonly does: 'cut' | 'pause' | 'resume'; readonly who: number }
  | { readonly does: 'rest'; readonly turns: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ does: fc.constant('write' as const), mutations: fc.integer({ min: 1, max: 15 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ does: 'flood' as const }) },
  { weight: 7, arbitrary: fc.record({ does: fc.constantFrom('cut', 'cut', 'pause', 'resume'), who: fc.nat(8) }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('rest' as const), turns: fc.integer({ min: 1, max: 30 }) }) },
)

describe('the same run', () => {
  test('[W8] [W42] [W43] [SIO7] looks the same over every transport, whatever is cut or stalled', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...CHANNELS),
        fc.array(step, { minLength: 5, maxLength: 40 }),
        fc.nat(),
        async (channel, steps, seed) => {
          await using server = await startTestServer({ heartbeatMs: 500, hasSocketIo: true })
          using api = createApiClient(server.url)
          const { eventId: since } = await api.call('POST', '/boards', { id: BOARD, name: 'Demo' })
          const load = new Load(api, seed)
          await load.prepare()
          const runs = PEERS.map((kind) => new Run(kind, server.url, channel, since))
          for (const one of steps) {
            if (one.does === 'write') load.write(one.mutations)
            else if (one.does === 'flood') load.flood()
            else if (one.does === 'rest') await turns(one.turns)
            else runs[one.who % runs.length]?.[one.does]()
            await turns(1)
          }
          await load.done()
          const { cursor } = await api.get('/cursor')
          const expected = flat(await readChannel(api, channel, since))
          for (const run of runs) {
            const seen = await run.upTo(cursor)
            expect(difference(flat(seen), expected), `${run.kind} ${channel}, ${run.cuts} cuts`).toBeNull()
          }
        },
      ),
      // Timing differs between runs, so shrinking would be useless.
      { numRuns: 15, endOnFailure: true },
    )
  })

  test.each([
    ['board:demo', 'project:demo', 'agent:agent-ann', 'global'],
    ['topic:talk', 'global', 'board:demo'],
  ])('[W8] of several channels looks the same over every transport: %s, %s, %s, %s', async (...channels) => {
    await using server = await startTestServer({ hasSocketIo: true })
    using api = createApiClient(server.url)
    await api.call('POST', '/boards', { id: BOARD, name: 'Demo' })
    const load = new Load(api, 7)
    await load.prepare()
    const named = channels.filter((name) => name !== undefined)
    const { cursor: since } = await api.get('/cursor')
    const peers = PEERS.map((kind) => new ChannelPeer(kind, server.url, named, since))
    for (const peer of peers) await peer.until(() => peer.isJoined)
    load.write(150)
    await load.done()
    const { cursor } = await api.get('/cursor')
    const expected = flat(await readChannel(api, named.join(','), since))
    for (const peer of peers) {
      await peer.until(() => flat(peer.heard).length >= expected.length && !isBefore(peer.lastId, cursor))
      expect(difference(flat(peer.heard), expected), peer.kind).toBeNull()
      peer.cut()
    }
  })
})

/** A listener over one transport that comes back with its cursor whenever it is cut. */
class Run {
  readonly kind: PeerKind
  cuts = 0
  readonly #url: string
  readonly #channel: string
  readonly #heard: Heard[] = []
  readonly #keys = new Set<string>()
  #since: string
  #peer: ChannelPeer

  constructor(kind: PeerKind, url: string, channel: string, since: string) {
    this.kind = kind
    this.#url = url
    this.#channel = channel
    this.#since = since
    this.#peer = this.#connect()
  }

  cut(): void {
    this.#take()
    this.cuts += 1
    this.#peer = this.#connect()
  }

  pause(): void {
    this.#peer.pause()
  }

  resume(): void {
    this.#peer.resume()
  }

  /** Resolves to everything received, once that reaches this id. */
  async upTo(cursor: string): Promise<readonly Heard[]> {
    for (;;) {
      this.resume()
      const peer = this.#peer
      await peer.until(() => peer.isClosed || !isBefore(peer.lastId, cursor))
      if (!isBefore(peer.lastId, cursor)) break
      // It was closed as silent.
      this.cut()
    }
    this.#take()
    return this.#heard
  }

  #connect(): ChannelPeer {
    return new ChannelPeer(this.kind, this.#url, [this.#channel], this.#since)
  }

  #take(): void {
    this.#peer.cut()
    for (const heard of this.#peer.heardSinceJoined) {
      const { id, channel, event } = heard
      // The last event of a connection that was cut may be repeated, complete and under the same id.
      const key = `${id} ${channel} ${event}`
      if (event !== 'output_batch' && this.#keys.has(key)) continue
      this.#keys.add(key)
      this.#heard.push(heard)
    }
    this.#since = this.#peer.lastId ?? this.#since
  }
}

type Move =
  | { readonly does: 'join'; readonly who: number; readonly channel: string; readonly since: number | null }
  | { readonly does: 'leave'; readonly who: number; readonly channel: string }
  | { readonly does: 'pause' | 'resume' | 'cut'; readonly who: number }
  | { readonly does: 'write'; readonly mutations: number }
  | { readonly does: 'rest'; readonly turns: number }

const spelled = fc.constantFrom(...CHANNELS, `board:${BOARD};full`)
const who = fc.nat(3)
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant('join' as const),
      who,
      channel: spelled,
      since: fc.option(fc.nat(80), { nil: null }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('leave' as const), who, channel: spelled }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constantFrom('pause', 'resume', 'cut'), who }) },
  {
    weight: 5,
    arbitrary: fc.record({ does: fc.constant('write' as const), mutations: fc.integer({ min: 1, max: 12 }) }),
  },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('rest' as const), turns: fc.integer({ min: 1, max: 30 }) }) },
)

describe('joining and leaving', () => {
  test('[W26] [W27] under load loses nothing and repeats nothing, whatever the transport', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 10, maxLength: 60 }), fc.nat(), async (moves, seed) => {
        await using server = await startTestServer({ heartbeatMs: 500, hasSocketIo: true })
        using api = createApiClient(server.url)
        await api.call('POST', '/boards', { id: BOARD, name: 'Demo' })
        const load = new Load(api, seed)
        await load.prepare()
        const connect = (kind: PeerKind) => new ChannelPeer(kind, server.url, [], null)
        const kinds = ['ws', 'ws', 'socketio', 'socketio'] as const
        const peers = kinds.map(connect)
        const all = [...peers]
        for (const one of moves) {
          if (one.does === 'write') load.write(one.mutations)
          else if (one.does === 'rest') await turns(one.turns)
          else {
            const at = one.who % peers.length
            const peer = peers[at]
            if (one.does === 'cut') {
              peer?.cut()
              const next = connect(kinds[at] ?? 'ws')
              peers[at] = next
              all.push(next)
            } else if (one.does === 'join')
              peer?.join(one.channel, one.since === null ? undefined : peer.idBefore(one.since))
            else if (one.does === 'leave') peer?.leave(one.channel)
            else peer?.[one.does]()
          }
          await turns(1)
        }
        await load.done()
        const { cursor } = await api.get('/cursor')
        const log = (await readLog(server.url, 'earliest', cursor)).map(asStored)
        const read = new Map(
          (await Promise.all(CHANNELS.map((channel) => readChannel(api, channel, 'earliest'))))
            .flat()
            .flatMap((heard) => tokens(heard).map((token) => [token, true])),
        )
        for (const peer of peers) {
          peer.resume()
          await peer.until(() => peer.isClosed || (peer.isJoined && !isBefore(peer.lastId, cursor)))
        }
        for (const peer of all) {
          peer.cut()
          const [hello] = peer.heard
          if (!hello) continue
          const membership = new Membership(log, parseCursor(hello.id)?.seq ?? 0, false)
          for (const [at, item] of peer.told.entries()) {
            const told = toldBy(item)
            const fault = told && membership.take(told)
            if (!fault) continue
            const around = peer.told.slice(Math.max(0, at - 6), at + 3).map((one) => JSON.stringify(one).slice(0, 150))
            expect.fail(`${peer.kind}: ${fault}; held ${membership.held}\n${around.join('\n')}`)
          }
          const strange = peer.heard.filter(({ channel, event }) => channel !== '*' && !UNSTORED.has(event))
          expect(strange.flatMap(tokens).filter((token) => !read.has(token))).toEqual([])
        }
      }),
      { numRuns: 12, endOnFailure: true },
    )
  })
})

/** `global` shows topic events as they were posted. */
function asStored(event: SeenEvent): SeenEvent {
  if (event.type !== 'said') return event
  return { ...event, type: 'topic.event', data: { topic: 'talk', event: 'said', data: event.data } }
}

function toldBy(item: ChannelPeer['told'][number]): Told | null {
  if ('joined' in item) {
    const seq = item.since === undefined ? undefined : parseCursor(item.since)?.seq
    return { kind: 'joined', channel: item.joined, since: seq }
  }
  if ('left' in item) return { kind: 'left', channel: item.left }
  const { channel, event, data } = item
  const seq = parseCursor(item.id)?.seq ?? 0
  if (UNSTORED.has(event)) return { kind: 'reached', seq }
  return { kind: 'event', seq, channel, event, lines: event === 'output_batch' ? data.lines : undefined }
}

/** Two writers, each with one request at a time, and a source of output. */
class Load {
  readonly #api: ApiClient
  readonly #writers: readonly Writer[]
  readonly #chains: Promise<void>[] = []
  #said = 0

  constructor(api: ApiClient, seed: number) {
    this.#api = api
    const random = createRandom(seed)
    this.#writers = ['ann', 'bob'].map((name) => new Writer({ name, boardId: BOARD, random }))
  }

  /** Each writer has a card with an attempt. */
  async prepare(): Promise<void> {
    for (const writer of this.#writers) {
      while (!writer.cards.some(({ attempt }) => attempt)) await this.#carryOut(writer)
    }
  }

  write(mutations: number): void {
    this.#each(async (writer) => {
      for (let n = 0; n < mutations; n++) {
        await this.#carryOut(writer)
        if (n % 4 === 0)
          await this.#api.call('POST', '/topics/talk/events', { event: 'said', data: { n: this.#said++ } })
      }
    })
  }

  /** More than the kernel buffers for a connection that is not read. */
  flood(): void {
    this.#each(async (writer) => {
      const card = writer.cards.find(({ attempt }) => attempt)
      if (!card?.attempt) return
      for (let batch = 0; batch < 3; batch++) {
        const plan = writer.bigBatch(card.attempt, 14)
        const reply = await this.#api.call(plan.method, plan.path, plan.body)
        if (reply.status < 300) plan.done(reply)
      }
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

  async #carryOut(writer: Writer): Promise<void> {
    const plan = writer.plan()
    const reply = await this.#api.call(plan.method, plan.path, plan.body)
    if (reply.status < 300 || reply.status === plan.endsOn) plan.done(reply)
  }
}

/** The log of some channels, read page by page. */
async function readChannel(api: ApiClient, channels: string, since: string): Promise<Heard[]> {
  const heard: Heard[] = []
  let after = since === 'earliest' ? '' : `&after=${since}`
  for (;;) {
    const page = await api.get(`/events?channels=${channels}&limit=1000${after}`)
    heard.push(...page.events)
    if (!page.more) return heard
    after = `&after=${page.cursor}`
  }
}

/** One text for each event under each name, and for each line of output, since lines may be joined differently. */
function flat(heard: readonly Heard[]): string[] {
  return heard
    .filter(({ event }) => !UNSTORED.has(event))
    .flatMap((one) => (one.channel === '*' && one.event === 'draining' ? [] : tokens(one)))
}

function tokens({ channel, event, data, id }: Heard): string[] {
  if (event === 'output_batch') return data.lines.map((line: string) => `${channel} ${event} ${line}`)
  return [`${id} ${channel} ${event} ${JSON.stringify(data)}`]
}

function isBefore(id: string | undefined, cursor: string): boolean {
  return (parseCursor(id ?? '')?.seq ?? -1) < (parseCursor(cursor)?.seq ?? 0)
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate)
}
