/**
 * Two people drag the same cards: what each of them sees at every moment, over random interleavings of requests, answers
 * and events.
 *
 * The server is a board in memory that commits in the order of arrival, as the real one does. Every message waits until the
 * plan delivers it; only events of one stream keep their order. The last test does the same against the real
 * server, with the timing of a real network.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { applyEvent } from '../../shared/src/apply-event.ts'
import type { BoardState, Card } from '../../shared/src/types/kanban.ts'
import type { Store } from '../../web/client/base/types.ts'
import { createClient } from '../../web/client/index.ts'
import type { BoardValue } from '../../web/client/stores/board.ts'
import { createStores, type Stores } from '../../web/client/stores/stores.ts'
import { boardState, makeBoard, makeCard } from '../support/board.ts'
import { chooseSeed, createRandom } from '../support/random.ts'
import { startTestServer } from '../support/server.ts'
import { type Asked, at, StubHub, settled } from './support/stub-hub.ts'
import { until } from './support/until.ts'

const COLUMNS = ['c0', 'c1', 'c2']
const CARDS = ['k0', 'k1', 'k2', 'k3']
const FIELDS = {
  boardId: 'b',
  ticketKey: 'B-1',
  dependsOn: [],
  blocked: false,
  attempt: null,
  revision: 1,
  updatedAt: '',
}

/** Counts for each card how often it moved to another column, except by this person's own drag. */
class Watcher {
  readonly moves = new Map<string, number>()
  readonly #board: Store<BoardValue>
  #places = new Map<string, string>()
  #isDragging = false

  constructor(board: Store<BoardValue>) {
    this.#board = board
    board.subscribe(() => {
      if (!this.#isDragging) this.#look(true)
    })
  }

  drag(act: () => void): void {
    this.#isDragging = true
    act()
    this.#isDragging = false
    this.#look(false)
  }

  #look(isCounted: boolean): void {
    const { state } = this.#board.get()
    for (const { id, columnId } of Object.values(state?.cards ?? {})) {
      const before = this.#places.get(id)
      this.#places.set(id, columnId)
      if (isCounted && before !== undefined && before !== columnId) this.moves.set(id, (this.moves.get(id) ?? 0) + 1)
    }
  }
}

class Person {
  readonly hub = new StubHub()
  readonly stores: Stores = createStores(this.hub)
  readonly board = this.stores.board('b')
  readonly watcher = new Watcher(this.board)
  /** Events on their way. */
  readonly stream: Array<() => void> = []
  /** Answers on their way. */
  readonly answers: Array<() => Promise<void>> = []
  /** How often the server took each card to another column for this person. */
  readonly moved = new Map<string, number>()

  get isQuiet(): boolean {
    return this.hub.asked.length + this.answers.length + this.stream.length === 0
  }
}

class Server {
  seq = 10
  readonly people: readonly [Person, Person]
  state: BoardState = {
    boardId: 'b',
    columns: Object.fromEntries(
      COLUMNS.map((id, n) => [id, { id, key: null, title: id, cardIds: n ? [] : [...CARDS] }]),
    ),
    columnOrder: COLUMNS,
    cards: Object.fromEntries(CARDS.map((id) => [id, { ...FIELDS, id, columnId: 'c0', title: id } as unknown as Card])),
  }

  constructor(people: readonly [Person, Person]) {
    this.people = people
  }

  /** Carries out the oldest request of a person. */
  commit(person: Person): void {
    const asked = person.hub.asked.shift()
    if (!asked) return
    const [card, id] = this.#move(person, asked)
    person.answers.push(() => asked.answer(card, id))
  }

  #move(person: Person, { path, body }: Asked): [Card, string] {
    const cardId = path.split('/')[2] as string
    const { columnId, index } = body as { columnId: string; index: number }
    const before = this.state.cards[cardId] as Card
    const there = this.state.columns[columnId]?.cardIds ?? []
    const toIndex = Math.min(index, there.filter((id) => id !== cardId).length)
    if (before.columnId === columnId && there.indexOf(cardId) === toIndex) return [before, at(this.seq)]
    if (before.columnId !== columnId) person.moved.set(cardId, (person.moved.get(cardId) ?? 0) + 1)
    const data = { cardId, toColumnId: columnId, toIndex, revision: before.revision + 1, updatedAt: '' }
    const seq = ++this.seq
    this.state = applyEvent(this.state, { event: 'card_moved', data })
    for (const { stream, hub } of this.people) stream.push(() => hub.emit(seq, 'card_moved', data))
    return [this.state.cards[cardId] as Card, at(seq)]
  }
}

type Step =
  | { readonly kind: 'drag'; readonly card: number; readonly to: number; readonly index: number }
  | { readonly kind: 'commit' | 'answer' | 'event' }
type Plan = ReadonlyArray<{ readonly who: number; readonly step: Step }>

const drag = fc.record({ kind: fc.constant('drag' as const), card: fc.nat(3), to: fc.nat(2), index: fc.nat(4) })
const arrival = fc.record({ kind: fc.constantFrom('commit' as const, 'answer' as const, 'event' as const) })
const plans = fc.array(
  fc.record({ who: fc.nat(1), step: fc.oneof({ weight: 1, arbitrary: drag }, { weight: 3, arbitrary: arrival }) }),
  { minLength: 10, maxLength: 120 },
)

/** `owns`: whether the person may drag the card. */
async function carryOut(plan: Plan, owns: (who: number, card: number) => boolean): Promise<readonly [Person, Person]> {
  const people = [new Person(), new Person()] as const
  const server = new Server(people)
  for (const { hub } of people) {
    hub.ready(server.seq)
    await hub.next().answer({ state: server.state, cursor: at(server.seq) })
  }
  for (const { who, step } of plan) {
    const person = people[who] as Person
    if (step.kind === 'drag' && owns(who, step.card)) {
      const [cardId, columnId] = [CARDS[step.card] as string, COLUMNS[step.to] as string]
      person.watcher.drag(() => {
        void person.stores.mutate.moveCard({ boardId: 'b', cardId, columnId, index: step.index })
      })
      // At once.
      expect(person.board.get().state?.cards[cardId]?.columnId).toBe(columnId)
    } else if (step.kind === 'commit') server.commit(person)
    else if (step.kind === 'answer') await person.answers.shift()?.()
    else if (step.kind === 'event') person.stream.shift()?.()
    await settled()
  }
  // The rest arrives.
  while (!people.every(({ isQuiet }) => isQuiet)) {
    for (const person of people) {
      server.commit(person)
      await person.answers.shift()?.()
      person.stream.shift()?.()
      await settled()
    }
  }
  for (const { board } of people) {
    expect(board.get()).toMatchObject({ phase: 'live', pending: 0, error: null })
    expect(board.get().state).toEqual(server.state)
  }
  return people
}

describe('two people drag at random', () => {
  test('[CB12] with the same cards both end with the server’s order, and a card moves at most once for each move of the other', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const [one, two] = await carryOut(plan, () => true)
        for (const id of CARDS) {
          expect(one.watcher.moves.get(id) ?? 0).toBeLessThanOrEqual(two.moved.get(id) ?? 0)
          expect(two.watcher.moves.get(id) ?? 0).toBeLessThanOrEqual(one.moved.get(id) ?? 0)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('[CB12] with different cards a dragged card never moves by itself', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const people = await carryOut(plan, (who, card) => card % 2 === who)
        for (const [who, { watcher }] of people.entries()) {
          for (const [card, id] of CARDS.entries()) if (card % 2 === who) expect(watcher.moves.get(id) ?? 0).toBe(0)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('[CB12] on a real server, with different cards and then the same ones', async () => {
    const seed = chooseSeed()
    const random = createRandom(seed)
    await using server = await startTestServer()
    const { id: boardId, columns } = await makeBoard(server)
    const cards: string[] = []
    for (let n = 0; n < 6; n++) cards.push((await makeCard(server, boardId)).id)
    const people = [0, 1].map(() => {
      const hub = createClient({ baseUrl: server.url, share: 'none' })
      return { hub, board: hub.board(boardId), watcher: new Watcher(hub.board(boardId)) }
    })
    for (const { board } of people) await until(board, 'live', ({ phase }) => phase === 'live')

    async function dragged(rounds: number, whose: (who: number) => readonly string[]): Promise<void> {
      const all: Array<Promise<unknown>> = []
      for (let round = 0; round < rounds; round++) {
        for (const [who, { hub, watcher }] of people.entries()) {
          const cardId = random.pick(whose(who)) as string
          const columnId = random.pick(columns)?.id as string
          watcher.drag(() => all.push(hub.mutate.moveCard({ boardId, cardId, columnId, index: random.below(4) })))
        }
        // Some are in flight at the same time.
        if (random.chance(0.5)) await all.at(-1)
      }
      await Promise.all(all)
      const truth = JSON.stringify(await boardState(server, boardId))
      for (const { board } of people) {
        await until(board, `the state of the server (seed ${seed})`, ({ state }) => JSON.stringify(state) === truth)
        expect(board.get().pending).toBe(0)
      }
    }

    await dragged(100, (who) => cards.filter((_, n) => n % 2 === who))
    for (const [who, { watcher }] of people.entries()) {
      for (const [n, id] of cards.entries())
        if (n % 2 === who) expect(watcher.moves.get(id) ?? 0, `seed ${seed}`).toBe(0)
    }
    await dragged(100, () => cards)
    for (const { hub } of people) hub.close()
  })
})
