/**
 * One order for all: listeners of random, overlapping sets of channels (board, project, issue, attempt, agent, topic,
 * global), cut and stalled at random while events of all kinds happen on them.
 *
 *   U15  A listener has got every event that shows on its channels, once, under the right names, in the order of the log,
 *        and every line of output in the order in which it was printed, joined or not.
 *   U16  Any two listeners have what both got in the same order.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { appendOutput } from '../../src/domain/agent-output.ts'
import { registerAgent } from '../../src/domain/agents.ts'
import { appendLines } from '../../src/domain/attempt-logs.ts'
import { createAttempt } from '../../src/domain/attempts.ts'
import { createBoard } from '../../src/domain/boards.ts'
import { createCard, moveCard, updateCard } from '../../src/domain/cards.ts'
import { reportFileChanges, reportGitOperation } from '../../src/domain/git.ts'
import { postTopicEvent } from '../../src/domain/topics.ts'
import { difference } from '../support/comparing.ts'
import type { SeenEvent } from '../support/log-reader.ts'
import { printedIn } from '../support/printers.ts'
import { bareOf } from '../support/received.ts'
import { sightingsOf } from '../support/sights.ts'
import { type SimulatedListener, Simulation } from '../support/simulation.ts'

const KINDS = [
  'lines',
  'lines',
  'output',
  'outputLines',
  'outputLines',
  'topic',
  'topic',
  'edit',
  'move',
  'assign',
  'operation',
  'files',
  'agent',
] as const

type Step =
  | { readonly does: 'say'; readonly kind: (typeof KINDS)[number]; readonly a: number; readonly b: number }
  | { readonly does: 'connect' | 'reconnect' | 'cut' | 'stall' | 'flow' | 'beat'; readonly who: number }
  | { readonly does: 'sip'; readonly who: number; readonly bytes: number }
  | { readonly does: 'turns'; readonly count: number }
  | { readonly does: 'pass'; readonly ms: number }

const who = fc.nat(5)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      does: fc.constant('say' as const),
      kind: fc.constantFrom(...KINDS),
      a: fc.nat(1),
      b: fc.nat(9),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ does: fc.constantFrom('connect', 'reconnect', 'cut', 'stall', 'flow', 'beat'), who }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('sip' as const), who, bytes: fc.nat(3_000) }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('turns' as const), count: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('pass' as const), ms: fc.constantFrom(30, 100, 160) }) },
)

const CHANNELS = ['global', 'board', 'project', 'issue', 'attempt', 'agent:ann', 'agent:bob', 'topic:x', 'topic:y']
const channelSet = fc.uniqueArray(fc.constantFrom(...CHANNELS), { minLength: 1, maxLength: 5 })

interface Scene {
  readonly boardId: string
  readonly cardId: string
  readonly attemptId: string
}

test('[U15] [U16] listeners of overlapping channels see one order', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(channelSet, { minLength: 3, maxLength: 6 }),
      fc.array(step, { maxLength: 60 }),
      async (sets, steps) => {
        await using simulation = await Simulation.start()
        const scene = await setTheScene(simulation)
        const listeners = sets.map((set) =>
          simulation.listener({ channels: set.map((name) => named(name, scene)) }, false),
        )
        for (const listener of listeners) listener.connect()
        let said = 0
        for (const one of steps) {
          if (one.does === 'say') said += say(simulation, scene, { ...one, number: said })
          else await take(one, simulation, listeners)
        }
        await simulation.settle(listeners)
        expect(simulation.errors).toEqual([])
        for (const listener of listeners) expectWhole(listener, simulation)
        expectOneOrder(listeners)
      },
    ),
    { numRuns: 300 },
  )
})

async function setTheScene({ store }: Simulation): Promise<Scene> {
  return store.transact(async (tx) => {
    const { id: boardId } = await createBoard(tx, { id: 'demo', name: 'Demo' })
    const { id: cardId } = await createCard(tx, boardId, { title: 'Watched' })
    const { id: attemptId } = await createAttempt(tx, cardId, { agent: 'ann', status: 'running' })
    return { boardId, cardId, attemptId }
  })
}

function named(channel: string, { boardId, cardId, attemptId }: Scene): string {
  const ids: Record<string, string> = { board: boardId, project: boardId, issue: cardId, attempt: attemptId }
  return channel in ids ? `${channel}:${ids[channel]}` : channel
}

/** Does it in the next turn; returns how many lines it prints, which are numbered consecutively. */
function say(
  simulation: Simulation,
  { boardId, cardId, attemptId }: Scene,
  { kind, a, b, number }: { kind: (typeof KINDS)[number]; a: number; b: number; number: number },
): number {
  const { store } = simulation
  const lines = Array.from({ length: 1 + b }, (_, n) => `${number + n} ${'z'.repeat(b * 20)}`)
  const agent = a === 0 ? 'ann' : 'bob'
  const work = {
    lines: () =>
      store.transact((tx) =>
        appendLines(
          tx,
          attemptId,
          lines.map((message) => ({ message })),
        ),
      ),
    output: () => store.transact(async (tx) => appendOutput(tx, agent, { content: lines.join('\n') })),
    outputLines: () => store.transact(async (tx) => appendOutput(tx, agent, { lines })),
    topic: () =>
      store.transact((tx) => postTopicEvent(tx, a === 0 ? 'x' : 'y', { event: `n.${b % 3}`, data: { lines } })),
    edit: () => store.transact((tx) => updateCard(tx, cardId, { title: `Title ${number}`, labels: [`l${b}`] })),
    move: () => store.transact((tx) => moveCard(tx, cardId, { columnKey: a === 0 ? 'backlog' : 'review' })),
    assign: () => store.transact((tx) => updateCard(tx, cardId, { assignedAgentId: b < 3 ? null : agent })),
    operation: () => store.transact((tx) => reportGitOperation(tx, boardId, { operation: 'gc', ok: true })),
    files: () => store.transact((tx) => reportFileChanges(tx, boardId, [{ path: 'a', kind: 'created' }])),
    agent: () => store.transact((tx) => registerAgent(tx, { id: agent, label: `Label ${b}` })),
  }
  work[kind]().catch((error: unknown) => simulation.errors.push(error))
  return lines.length
}

async function take(
  one: Exclude<Step, { does: 'say' }>,
  simulation: Simulation,
  listeners: readonly SimulatedListener[],
): Promise<void> {
  if (one.does === 'turns') await simulation.turns(one.count)
  else if (one.does === 'pass') await simulation.pass(one.ms)
  else {
    const listener = listeners[one.who % listeners.length]
    if (one.does === 'sip') listener?.sip(one.bytes)
    else listener?.[one.does]()
  }
}

function expectWhole({ listening, received }: SimulatedListener, simulation: Simulation): void {
  const named = JSON.stringify(listening)
  expect(received.faults, named).toEqual([])
  expect(received.gaps, named).toEqual([])
  expect(received.lastEventId, named).toBe(simulation.cursor(simulation.store.head))
  const printedAt = new Map(simulation.published.flatMap((event) => linesOf(event).map((line) => [line, event.seq])))
  for (const { start = 0, reached, frames } of received.stretches) {
    const shown = frames.filter(({ event }) => event !== 'state')
    const due = simulation.published.filter(({ seq }) => seq > start && seq <= reached)
    const seen = due.flatMap((event) =>
      sightingsOf(event, listening).map((sighting) => ({ seq: event.seq, ...sighting })),
    )

    const events = shown.flatMap(({ event, seq, text }) =>
      event === BATCH ? [] : [`${seq} ${channelOf(text)} ${event}`],
    )
    const expected = seen.flatMap(({ seq, channel, event }) => (event === BATCH ? [] : [`${seq} ${channel} ${event}`]))
    // Names of one event may come in any order.
    expect(difference(events.toSorted(bySeq), expected.toSorted(bySeq)), named).toBeNull()
    const printed = shown.flatMap(({ event, text }) =>
      event === BATCH ? printedIn(bareOf(text)).map((line) => `${channelOf(text)} ${line}`) : [],
    )
    const toPrint = seen.flatMap(({ channel, lines = [] }) => lines.map((line) => `${channel} ${line}`))
    expect(difference(printed, toPrint), named).toBeNull()

    // Joined or not, events are shown in the order of their ids.
    const positions = shown.flatMap(({ event, seq, text }) =>
      event === BATCH ? printedIn(bareOf(text)).map((line) => printedAt.get(line) ?? NaN) : [seq],
    )
    expect(positions, named).toEqual(positions.toSorted((one, other) => one - other))
  }
}

const BATCH = 'output_batch'

/** The lines that an event prints on an agent. */
function linesOf({ type, data }: SeenEvent): string[] {
  return type === 'attempt.log.appended' || type === 'agent.output.batch' ? printedIn(data) : []
}

function channelOf(text: string): string {
  return JSON.parse(text).channel
}

function bySeq(one: string, other: string): number {
  return Number.parseInt(one, 10) - Number.parseInt(other, 10) || (one < other ? -1 : 1)
}

/** Events by their ids, and lines by their text. */
function expectOneOrder(listeners: readonly SimulatedListener[]): void {
  const frames = listeners.map(({ received }) => received.stretches.flatMap((stretch) => stretch.frames))
  const orders = [
    frames.map((shown) => shown.filter(({ event }) => event !== 'state' && event !== BATCH).map(({ seq }) => `${seq}`)),
    frames.map((shown) => shown.flatMap(({ event, text }) => (event === BATCH ? printedIn(bareOf(text)) : []))),
  ]
  for (const order of orders) {
    for (const [index, all] of order.entries()) {
      const one = new Set(all)
      for (const other of order.slice(index + 1)) {
        const inOther = new Set(other)
        expect([...one].filter((text) => inOther.has(text))).toEqual([...inOther].filter((text) => one.has(text)))
      }
    }
  }
}
