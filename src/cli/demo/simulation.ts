import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from '../api/api.ts'
import type { AttemptStatus, BoardState, Card } from '../api/responses.ts'
import { type DemoAgent, demoAgents, isDemoAgent } from './agents.ts'
import { cardsIn, type DemoBoard } from './board.ts'
import { createRandom } from './random.ts'
import { createReviewer, type Reviewer } from './reviewer.ts'
import { type PlannedEnd, simulateAttempt } from './simulated-attempt.ts'
import { firstStories, laterStories, storyFor } from './stories.ts'

export interface SimulationOptions {
  readonly api: Api
  readonly board: DemoBoard
  readonly speed: number
  readonly seed: number
  readonly once: boolean
  /** Ends the simulation; running attempts are stopped before `runSimulation` resolves. */
  readonly signal: AbortSignal
  readonly report: (agentId: string, ticketKey: string, text: string) => void
}

/** New cards are added while fewer are open. */
const minOpenCards = 6
/** Done cards beyond this are deleted, oldest first: the demo runs for ever, but the board must not grow for ever. */
const maxDoneCards = 12
const roundMs = 500
/** The minimum at any speed, because each round reads the whole board. */
const minRoundMs = 25
const reviewMs = 6_000
/** A failed attempt stays visible for a while before the next one. */
const retryMs = 4_000
/** Agents wait this long before they take a card that somebody else created, who may be about to start an attempt. */
const foreignCardDelayMs = 3_000

/**
 * Lets the agents work until `signal` aborts. Each round reads the board and decides anew, so people may move, add and
 * delete cards meanwhile. With `once` it ends when no agent has work left.
 */
export async function runSimulation(options: SimulationOptions): Promise<void> {
  await new Simulation(options).run()
}

class Simulation {
  readonly #options: SimulationOptions
  readonly #ended = new AbortController()
  readonly #reviewer: Reviewer
  readonly #running = new Map<DemoAgent, { readonly cardId: string; readonly end: Promise<void> }>()
  /** When each card on the board was first seen. */
  #firstSeen = new Map<string, number>()
  /** Cards on which a person stopped the work. Agents leave them alone until somebody moves them to the backlog. */
  readonly #leftToPeople = new Set<string>()
  /** When the next attempt at a card may start, after one that failed or was stopped. */
  readonly #retryAt = new Map<string, number>()
  #attempts = 0
  #storiesAdded = 0
  /** The first one ends the simulation. */
  #failure: { readonly error: unknown } | undefined

  constructor(options: SimulationOptions) {
    const { api, board, speed } = options
    this.#options = options
    this.#reviewer = createReviewer({
      api,
      board,
      reviewMs: reviewMs / speed,
      onMerged: (card) => options.report('review', card.ticketKey, 'is merged'),
    })
  }

  async run(): Promise<void> {
    const { signal, speed } = this.#options
    const end = () => this.#ended.abort()
    signal.addEventListener('abort', end, { once: true })
    if (signal.aborted) end()
    try {
      this.#firstSeen = await prepareBoard(this.#options, this.#ended.signal)
      while (!this.#ended.signal.aborted && (await this.#round())) {
        await sleep(Math.max(roundMs / speed, minRoundMs), undefined, { signal: this.#ended.signal })
      }
    } catch (error) {
      if (!this.#ended.signal.aborted) this.#fail(error)
    }
    await Promise.all([...this.#running.values()].map((attempt) => attempt.end))
    signal.removeEventListener('abort', end)
    if (this.#failure) throw this.#failure.error
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#ended.abort()
  }

  /** Resolves to whether there is work left. */
  async #round(): Promise<boolean> {
    const { board, once } = this.#options
    const state = await board.read()
    const now = performance.now()
    const seen = this.#firstSeen
    this.#firstSeen = new Map(Object.keys(state.cards).map((id) => [id, seen.get(id) ?? now]))
    for (const [id, until] of this.#retryAt) if (until <= now) this.#retryAt.delete(id)
    const inReview = await this.#reviewer.mergeDue(state)
    if (!once) await this.#restock(state)
    const open = this.#availableCards(state, now)
    for (const agent of demoAgents) {
      const card = this.#running.has(agent) ? undefined : open.shift()
      if (card !== undefined) this.#startAttempt(agent, card)
    }
    return !once || this.#running.size + this.#retryAt.size + inReview > 0
  }

  #startAttempt(agent: DemoAgent, card: Card): void {
    this.#attempts += 1
    const { api, board, speed, seed, report } = this.#options
    const { ticketKey, title } = card
    const end = simulateAttempt({
      api,
      speed,
      card,
      agent,
      signal: this.#ended.signal,
      boardId: board.id,
      story: storyFor(title, card.ticketType),
      plannedEnd: plannedEndOf(card, this.#attempts),
      random: createRandom(seed, title, String(this.#attempts)),
      report: (text) => report(agent.id, ticketKey, text),
    })
      .then(
        ({ how, pullRequest }) => {
          if (how === 'interrupted') this.#leftToPeople.add(card.id)
          if (how === 'fails' || how === 'is stopped') {
            this.#retryAt.set(card.id, performance.now() + retryMs / speed)
          }
          if (pullRequest !== undefined) this.#reviewer.expectPullRequest(card.id, pullRequest)
        },
        (error: unknown) => this.#fail(error),
      )
      .finally(() => this.#running.delete(agent))
    this.#running.set(agent, { cardId: card.id, end })
  }

  #availableCards(state: BoardState, now: number): Card[] {
    const { board } = this.#options
    const taken = new Set([...this.#running.values()].map(({ cardId }) => cardId))
    const backlog = cardsIn(state, 'backlog')
    for (const { id, attempt } of backlog) if (attempt?.status === 'stopped') this.#leftToPeople.delete(id)
    const retries = cardsIn(state, 'in_progress').filter(({ attempt }) => attempt !== null)
    return [...retries, ...backlog].filter(({ id, blocked, attempt }) => {
      if (blocked || taken.has(id) || this.#leftToPeople.has(id) || this.#retryAt.has(id)) return false
      if (attempt !== null) return isDemoAgent(attempt.agent) && needsRetry(attempt.status)
      return board.isOurs(id) || now - (this.#firstSeen.get(id) ?? now) >= foreignCardDelayMs
    })
  }

  async #restock(state: BoardState): Promise<void> {
    const { board } = this.#options
    const done = cardsIn(state, 'done')
    const doneIds = new Set(done.map((card) => card.id))
    const open = Object.values(state.cards).filter((card) => !doneIds.has(card.id))
    if (open.length < minOpenCards) {
      const story = laterStories[this.#storiesAdded % laterStories.length] ?? laterStories[0]
      this.#storiesAdded += 1
      if (!open.some((card) => card.title === story.title)) await board.add(story)
    }
    const oldest = done.find((card) => board.isOurs(card.id))
    if (done.length > maxDoneCards && oldest !== undefined) await board.remove(oldest.id)
  }
}

/** Registers the agents and adds cards if there are few. Resolves to the cards that were there before, as seen long ago. */
async function prepareBoard(
  { api, board, speed }: SimulationOptions,
  signal: AbortSignal,
): Promise<Map<string, number>> {
  for (const { id, label } of demoAgents) {
    await api.send('POST', '/agents', { body: { id, label, kind: 'demo' } })
  }
  const state = await board.read()
  const before = new Map(Object.keys(state.cards).map((id) => [id, Number.NEGATIVE_INFINITY]))
  if (cardsIn(state, 'backlog').length >= minOpenCards) return before
  for (const story of firstStories) {
    await board.add(story)
    await sleep(150 / speed, undefined, { signal })
  }
  return before
}

/** Some first attempts fail or are stopped, in a fixed rotation; second attempts succeed, so that cards get done. */
function plannedEndOf(card: Card, nth: number): PlannedEnd {
  if (card.attempt !== null) return 'succeeds'
  if (nth % 4 === 2) return 'fails'
  return nth % 7 === 4 ? 'is stopped' : 'succeeds'
}

function needsRetry(status: AttemptStatus): boolean {
  return status === 'failed' || status === 'stopped'
}
