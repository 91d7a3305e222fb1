/**
 * Gaps after any mutations and any trimming: listeners of any channels and types reconnect with any cursor, over streams and
 * sockets, and are compared with a model that knows every event ever committed.
 *
 *   R12  A stream is resumed as long as nothing that it would have shown was trimmed, and then has everything.
 *   R13  Else it has a gap, whose `oldest` is the first id from which nothing of what was asked for is missing.
 *   W29  So it is for a channel that is joined with `since`.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Problem } from '../../src/base/errors.ts'
import { createBoard } from '../../src/domain/boards.ts'
import { postTopicEvent } from '../../src/domain/topics.ts'
import { AGENTS, doWork, work } from '../support/board-work.ts'
import { difference, expectedSightings, sightings } from '../support/comparing.ts'
import type { SeenEvent } from '../support/log-reader.ts'
import { bareOf } from '../support/received.ts'
import { type Listening, sightingsOf } from '../support/sights.ts'
import { SimulatedSocket } from '../support/simulated-socket.ts'
import { Simulation } from '../support/simulation.ts'

const BOARDS = ['left', 'right'] as const
/** The types in these tests that retention trims. */
const TRANSIENT: ReadonlySet<string> = new Set(['attempt.log.appended', 'topic.event'])

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ does: fc.constant('work' as const), work }) },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('work' as const),
      work: work.map((one) => ({ ...one, kind: 'lines' as const })),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('post' as const),
      topic: fc.constantFrom('talk', 'other'),
      event: fc.constantFrom('said', 'seen'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constant('trim' as const), keep: fc.nat(8), step: fc.constantFrom(2, 50) }),
  },
)

const channel = fc.constantFrom(
  'global',
  ...BOARDS.flatMap((id) => [`board:${id}`, `project:${id}`]),
  ...AGENTS.map((id) => `agent:${id}`),
  'topic:talk',
  'topic:other',
  'topic:never',
)
const types = fc.option(
  fc.constantFrom(
    ['card_*'],
    ['attempt_log', 'said'],
    ['attempt_*'],
    ['issue_*', 'output_batch'],
    ['seen'],
    ['card.*'],
  ),
  { nil: undefined, freq: 3 },
)
const question = fc.record({
  channels: fc.uniqueArray(channel, { minLength: 1, maxLength: 3 }),
  types,
  back: fc.nat(60),
})

test('[R12] [R13] [W29] a gap exactly where an event that would have been shown was trimmed', {
  timeout: 120_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.array(step, { maxLength: 12 }), fc.array(question, { maxLength: 5 })), { maxLength: 5 }),
      async (rounds) => {
        await using simulation = await Simulation.start()
        for (const id of BOARDS) await simulation.store.transact((tx) => createBoard(tx, { id, name: id }))
        for (const [steps, questions] of rounds) {
          for (const one of steps) await take(one, simulation)
          await Promise.all(
            questions.map(({ channels, types, back }) => {
              const seq = Math.max(0, simulation.store.head - back)
              return expectStream(simulation, { channels, ...(types && { types }) }, seq)
            }),
          )
          for (const { channels, back } of questions) {
            await expectSocket(simulation, channels[0] ?? '', Math.max(0, simulation.store.head - back))
          }
        }
        expect(simulation.errors).toEqual([])
      },
    ),
    { numRuns: 150 },
  )
})

async function take(one: typeof step extends fc.Arbitrary<infer T> ? T : never, { store }: Simulation): Promise<void> {
  if (one.does === 'trim') {
    await store.transact((tx) => tx.trimLog({ maxAgeMs: Infinity, maxEvents: one.keep, maxBytes: Infinity }, one.step))
    return
  }
  try {
    await store.transact(
      (tx): Promise<unknown> =>
        one.does === 'post'
          ? postTopicEvent(tx, one.topic, { event: one.event, data: {} })
          : doWork(tx, one.work, BOARDS),
    )
  } catch (error) {
    if (!(error instanceof Problem)) throw error
  }
}

/** The newest trimmed event that the listener would have received. */
function lostOf(simulation: Simulation, listening: Listening): number {
  const { oldest } = simulation.store.bounds
  const isLost = (event: SeenEvent) =>
    event.seq <= oldest && TRANSIENT.has(event.type) && sightingsOf(event, listening).length > 0
  return simulation.published.findLast(isLost)?.seq ?? 0
}

async function expectStream(simulation: Simulation, listening: Listening, seq: number): Promise<void> {
  const named = `${JSON.stringify(listening)} after ${seq}`
  const lost = lostOf(simulation, listening)
  const listener = simulation.listener(listening, false)
  listener.received.lastEventId = simulation.cursor(seq)
  listener.connect()
  await simulation.quiesce([listener])
  listener.beat()
  const { received } = listener
  const gaps = received.gaps.map(bareOf)
  if (lost > seq) {
    const gap = { requested: simulation.cursor(seq), oldest: simulation.cursor(lost), reason: 'trimmed' }
    expect(gaps, named).toEqual([gap])
  } else {
    expect(gaps, named).toEqual([])
    const due = expectedSightings(simulation.published.slice(seq), listening, false)
    const seen = received.stretches.flatMap(({ frames }) => sightings(frames, false))
    expect(difference(seen, due), named).toBeNull()
  }
  listener.cut()
}

async function expectSocket(simulation: Simulation, channel: string, seq: number): Promise<void> {
  const named = `${channel} after ${seq}`
  const lost = lostOf(simulation, { channels: [channel] })
  const socket = new SimulatedSocket(simulation, false)
  socket.connect()
  await simulation.quiesce([socket])
  socket.join(channel, simulation.cursor(seq))
  await socket.settled()
  await simulation.quiesce([socket])
  const told = socket.transcripts.flat()
  const gaps = told.filter(({ event }) => event === 'gap').map(({ data }) => data)
  if (lost > seq) {
    const gap = { requested: simulation.cursor(seq), oldest: simulation.cursor(lost), reason: 'trimmed' }
    expect(gaps, named).toEqual([gap])
  } else {
    expect(gaps, named).toEqual([])
    const due = simulation.published
      .slice(seq)
      .filter((event) => sightingsOf(event, { channels: [channel] }).length > 0)
    const ids = new Set(told.flatMap(({ id, event }) => (id && event !== 'hello' && event !== 'state' ? [id] : [])))
    // Joined lines have the id of the last one.
    const joined = channel.startsWith('agent:')
    if (!joined) expect([...ids], named).toEqual(due.map((event) => simulation.cursor(event.seq)))
    else if (due.length > 0) expect([...ids].at(-1), named).toBe(simulation.cursor(due.at(-1)?.seq ?? 0))
  }
  socket.cut()
}
