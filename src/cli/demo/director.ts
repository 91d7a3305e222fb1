import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from '../api/api.ts'
import type { AttemptStatus, BoardState, Card } from '../api/replies.ts'
import { cardsIn, type DemoBoard } from './board.ts'
import { isPlayer, type Player, players } from './cast.ts'
import { type Fate, playAttempt } from './play-attempt.ts'
import { createRandom } from './random.ts'
import { createReviewer } from './reviewer.ts'
import { firstStories, laterStories, storyFor } from './stories.ts'

export interface Direction {
  readonly api: Api
  readonly board: DemoBoard
  readonly speed: number
  readonly seed: number
  readonly once: boolean
  /** Ends the play; running attempts are stopped before `direct` resolves. */
  readonly signal: AbortSignal
  readonly narrate: (who: string, ticketKey: string, text: string) => void
}

/** A board is worth looking at with this many open cards; below it new ones come in. */
const fewOpen = 6
/** Done cards beyond this are cleared away, the oldest first: the demo runs for ever, the board must not grow for ever. */
const keptDone = 12
const roundMs = 500
/** However fast the play, no shorter: each round reads the whole board. */
const minRoundMs = 25
const reviewMs = 6_000
/** A failure stays to be seen for a while before somebody tries again. */
const retryMs = 4_000
/** Who makes a card by hand may be about to start an attempt on it: agents wait this long before they take it. */
const strangerMs = 3_000

/**
 * Keeps the play going. Each round reads the board and decides anew, so people may move, add and delete cards while it
 * runs. With `once` it ends when nobody has anything left to do.
 */
export async function direct(direction: Direction): Promise<void> {
  const { api, board, once, signal, speed } = direction
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
    restMs: reviewMs / speed,
    onMerged: (card) => direction.narrate('review', card.ticketKey, 'is merged'),
  })
  const playing = new Map<Player, { readonly cardId: string; readonly end: Promise<void> }>()
  /** When each card on the board was first seen. */
  let firstSeen = new Map<string, number>()
  /** Cards on which a person stopped the work: theirs, until somebody puts them back into the backlog. */
  const leftAlone = new Set<string>()
  /** Until when cards rest whose attempt has just failed. */
  const resting = new Map<string, number>()
  let attempts = 0
  let arrivals = 0

  async function round(): Promise<'over' | 'goes on'> {
    const state = await board.read()
    const now = performance.now()
    firstSeen = new Map(Object.keys(state.cards).map((id) => [id, firstSeen.get(id) ?? now]))
    for (const [id, until] of resting) if (until <= now) resting.delete(id)
    const inReview = await reviewer.look(state)
    if (!once) await restock(state)
    const open = takeable(state, now)
    for (const player of players) {
      const card = playing.has(player) ? undefined : open.shift()
      if (card !== undefined) begin(player, card)
    }
    return once && playing.size + resting.size + inReview === 0 ? 'over' : 'goes on'
  }

  function begin(player: Player, card: Card): void {
    attempts += 1
    const { ticketKey, title } = card
    const end = playAttempt({
      api,
      speed,
      card,
      player,
      signal: ended.signal,
      boardId: board.id,
      story: storyFor(title, card.ticketType),
      fate: fateOf(card, attempts),
      random: createRandom(direction.seed, title, String(attempts)),
      narrate: (text) => direction.narrate(player.id, ticketKey, text),
    })
      .then(({ how, pullRequest }) => {
        if (how === 'interrupted') leftAlone.add(card.id)
        if (how === 'fails' || how === 'is stopped') resting.set(card.id, performance.now() + retryMs / speed)
        if (pullRequest !== undefined) reviewer.receive(card.id, pullRequest)
      }, fail)
      .finally(() => playing.delete(player))
    playing.set(player, { cardId: card.id, end })
  }

  function takeable(state: BoardState, now: number): Card[] {
    const taken = new Set([...playing.values()].map(({ cardId }) => cardId))
    const backlog = cardsIn(state, 'backlog')
    for (const { id, attempt } of backlog) if (attempt?.status === 'stopped') leftAlone.delete(id)
    const retries = cardsIn(state, 'in_progress').filter(({ attempt }) => attempt !== null)
    return [...retries, ...backlog].filter(({ id, blocked, attempt }) => {
      if (blocked || taken.has(id) || leftAlone.has(id) || resting.has(id)) return false
      if (attempt !== null) return isPlayer(attempt.agent) && wantsAnother(attempt.status)
      return board.isOurs(id) || now - (firstSeen.get(id) ?? now) >= strangerMs
    })
  }

  async function restock(state: BoardState): Promise<void> {
    const done = cardsIn(state, 'done')
    const doneIds = new Set(done.map((card) => card.id))
    const open = Object.values(state.cards).filter((card) => !doneIds.has(card.id))
    if (open.length < fewOpen) {
      const story = laterStories[arrivals % laterStories.length] ?? laterStories[0]
      arrivals += 1
      if (!open.some((card) => card.title === story.title)) await board.add(story)
    }
    const oldest = done.find((card) => board.isOurs(card.id))
    if (done.length > keptDone && oldest !== undefined) await board.remove(oldest.id)
  }

  try {
    firstSeen = await setTheStage(direction, ended.signal)
    while (!ended.signal.aborted && (await round()) === 'goes on') {
      await sleep(Math.max(roundMs / speed, minRoundMs), undefined, { signal: ended.signal })
    }
  } catch (error) {
    if (!ended.signal.aborted) fail(error)
  }
  await Promise.all([...playing.values()].map((play) => play.end))
  signal.removeEventListener('abort', end)
  if (failure !== undefined) throw failure
}

/** Introduces the agents, and fills a board with little to do; answers what was there before, as seen long ago. */
async function setTheStage({ api, board, speed }: Direction, signal: AbortSignal): Promise<Map<string, number>> {
  for (const { id, label } of players) {
    await api.send('POST', '/agents', { body: { id, label, kind: 'demo' } })
  }
  const state = await board.read()
  const before = new Map(Object.keys(state.cards).map((id) => [id, Number.NEGATIVE_INFINITY]))
  if (cardsIn(state, 'backlog').length >= fewOpen) return before
  for (const story of firstStories) {
    await board.add(story)
    await sleep(150 / speed, undefined, { signal })
  }
  return before
}

/** First attempts fail or are stopped by rota, so that every round shows it; second ones succeed, so that it goes on. */
function fateOf(card: Card, nth: number): Fate {
  if (card.attempt !== null) return 'succeeds'
  if (nth % 4 === 2) return 'fails'
  return nth % 7 === 4 ? 'is stopped' : 'succeeds'
}

function wantsAnother(status: AttemptStatus): boolean {
  return status === 'failed' || status === 'stopped'
}
