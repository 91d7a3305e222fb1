import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from '../api/api.ts'
import type { AttemptStatus, BoardState, Card } from '../api/responses.ts'
import { type DemoAgent, demoAgents, isDemoAgent } from './agents.ts'
import { cardsIn, type DemoBoard } from './board.ts'
import { createRandom } from './random.ts'
import { createReviewer } from './reviewer.ts'
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
  const { api, board, once, signal, speed } = options
  const ended = new AbortController()
  const end = () => ended.abort()
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  let failure: unknown
  const fail = (error: unknown) => {
    failure ??= error
    end()
  }

  const reviewer = createReviewer({
    api,
    board,
    reviewMs: reviewMs / speed,
    onMerged: (card) => options.report('review', card.ticketKey, 'is merged'),
  })
  const running = new Map<DemoAgent, { readonly cardId: string; readonly end: Promise<void> }>()
  /** When each card on the board was first seen. */
  let firstSeen = new Map<string, number>()
  /** Cards on which a person stopped the work. Agents leave them alone until somebody moves them to the backlog. */
  const leftToPeople = new Set<string>()
  /** When the next attempt at a card may start, after one that failed or was stopped. */
  const retryAt = new Map<string, number>()
  let attempts = 0
  let storiesAdded = 0

  /** Resolves to whether there is work left. */
  async function round(): Promise<boolean> {
    const state = await board.read()
    const now = performance.now()
    firstSeen = new Map(Object.keys(state.cards).map((id) => [id, firstSeen.get(id) ?? now]))
    for (const [id, until] of retryAt) if (until <= now) retryAt.delete(id)
    const inReview = await reviewer.mergeDue(state)
    if (!once) await restock(state)
    const open = availableCards(state, now)
    for (const agent of demoAgents) {
      const card = running.has(agent) ? undefined : open.shift()
      if (card !== undefined) startAttempt(agent, card)
    }
    return !once || running.size + retryAt.size + inReview > 0
  }

  function startAttempt(agent: DemoAgent, card: Card): void {
    attempts += 1
    const { ticketKey, title } = card
    const end = simulateAttempt({
      api,
      speed,
      card,
      agent,
      signal: ended.signal,
      boardId: board.id,
      story: storyFor(title, card.ticketType),
      plannedEnd: plannedEndOf(card, attempts),
      random: createRandom(options.seed, title, String(attempts)),
      report: (text) => options.report(agent.id, ticketKey, text),
    })
      .then(({ how, pullRequest }) => {
        if (how === 'interrupted') leftToPeople.add(card.id)
        if (how === 'fails' || how === 'is stopped') retryAt.set(card.id, performance.now() + retryMs / speed)
        if (pullRequest !== undefined) reviewer.expectPullRequest(card.id, pullRequest)
      }, fail)
      .finally(() => running.delete(agent))
    running.set(agent, { cardId: card.id, end })
  }

  function availableCards(state: BoardState, now: number): Card[] {
    const taken = new Set([...running.values()].map(({ cardId }) => cardId))
    const backlog = cardsIn(state, 'backlog')
    for (const { id, attempt } of backlog) if (attempt?.status === 'stopped') leftToPeople.delete(id)
    const retries = cardsIn(state, 'in_progress').filter(({ attempt }) => attempt !== null)
    return [...retries, ...backlog].filter(({ id, blocked, attempt }) => {
      if (blocked || taken.has(id) || leftToPeople.has(id) || retryAt.has(id)) return false
      if (attempt !== null) return isDemoAgent(attempt.agent) && needsRetry(attempt.status)
      return board.isOurs(id) || now - (firstSeen.get(id) ?? now) >= foreignCardDelayMs
    })
  }

  async function restock(state: BoardState): Promise<void> {
    const done = cardsIn(state, 'done')
    const doneIds = new Set(done.map((card) => card.id))
    const open = Object.values(state.cards).filter((card) => !doneIds.has(card.id))
    if (open.length < minOpenCards) {
      const story = laterStories[storiesAdded % laterStories.length] ?? laterStories[0]
      storiesAdded += 1
      if (!open.some((card) => card.title === story.title)) await board.add(story)
    }
    const oldest = done.find((card) => board.isOurs(card.id))
    if (done.length > maxDoneCards && oldest !== undefined) await board.remove(oldest.id)
  }

  try {
    firstSeen = await prepareBoard(options, ended.signal)
    while (!ended.signal.aborted && (await round())) {
      await sleep(Math.max(roundMs / speed, minRoundMs), undefined, { signal: ended.signal })
    }
  } catch (error) {
    if (!ended.signal.aborted) fail(error)
  }
  await Promise.all([...running.values()].map((attempt) => attempt.end))
  signal.removeEventListener('abort', end)
  if (failure !== undefined) throw failure
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
