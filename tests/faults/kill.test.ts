/**
 * Durability, with a server that is killed under load repeatedly over one database. Rules D1 to D5 (docs/guarantees.md).
 * `BOARDCAST_TEST_ROUNDS=50` kills it that often.
 */
import { expect, test } from 'vitest'
import { parseCursor } from '../../shared/src/cursor.ts'
import { type ApiClient, createApiClient, type Reply } from '../support/api.ts'
import { ChildServer } from '../support/child-server.ts'
import { foldLog } from '../support/comparing.ts'
import { readLog, type SeenEvent } from '../support/log-reader.ts'
import { chooseSeed, createRandom, type Random } from '../support/random.ts'
import { type Plan, Writer } from '../support/writer.ts'

const ROUNDS = Number(process.env.BOARDCAST_TEST_ROUNDS ?? 20)
const WRITERS = 16
/** The most events of a mutation in these tests, except batches of lines. */
const MOST_EVENTS = 12

/** A mutation that was answered 2xx. */
interface Answered {
  readonly plan: Plan
  readonly reply: Reply
}

interface Round {
  readonly boardId: string
  readonly answered: readonly Answered[]
  readonly writers: readonly Writer[]
}

test(`[D1] [D2] [D3] [D4] everything that was answered survives ${ROUNDS} kills under load`, {
  timeout: 300_000,
}, async () => {
  const seed = chooseSeed()
  const random = createRandom(seed)
  await using server = await ChildServer.start()
  using api = createApiClient(server.url)
  const log: SeenEvent[] = []
  let answers = 0
  let interrupted = 0

  for (let number = 1; number <= ROUNDS; number++) {
    const round = await load(`round-${number}`, { api, random, kill: () => server.stop('SIGKILL') })
    await server.start()
    const { state, cursor } = await api.get(`/boards/${round.boardId}`)
    const news = await readLog(server.url, log.at(-1)?.id ?? 'earliest', cursor)
    const named = `round ${number}, seed ${seed}`
    const before = log.length
    log.push(...news)
    expect(log.length, named).toBe(seqOf(cursor))
    expect(
      news.every(({ seq }, index) => seq === before + index + 1),
      named,
    ).toBe(true)

    expect(foldLog(news, round.boardId), named).toEqual(state)
    for (const one of round.answered) expectPresent(one, log, named)
    expectWholeBatches(news, named)
    interrupted += await expectSettled(news, api, named)
    answers += round.answered.length
  }

  const whole = await readLog(server.url, 'earliest', log.at(-1)?.id ?? '')
  expect(JSON.stringify(whole) === JSON.stringify(log), `the log changed afterwards, seed ${seed}`).toBe(true)
  expect(answers).toBeGreaterThan(ROUNDS * WRITERS)
  expect(interrupted).toBeGreaterThan(ROUNDS)

  // Nothing was committed since the last start, and no attempt runs: the stop is clean.
  expect(await server.stop('SIGTERM')).toBe(0)
})

test('[D5] after a clean stop nothing is settled and ids continue', async () => {
  await using server = await ChildServer.start()
  using api = createApiClient(server.url)
  await api.call('POST', '/boards', { id: 'demo', name: 'Demo' })
  const { body: card } = await api.call('POST', '/boards/demo/cards', { title: 'a' })
  const { body: attempt } = await api.call('POST', `/cards/${card.id}/attempts`, { agent: 'ann', status: 'running' })
  const { state, cursor } = await api.get('/boards/demo')

  expect(await server.stop('SIGTERM')).toBe(0)
  await server.start()
  expect(await api.get('/boards/demo')).toMatchObject({ state, cursor })
  expect((await api.get(`/attempts/${attempt.id}`)).attempt).toMatchObject({ status: 'running', error: null })

  await server.stop('SIGKILL')
  await server.start()
  expect((await api.get(`/attempts/${attempt.id}`)).attempt).toMatchObject({ status: 'failed', error: 'interrupted' })
  const settled = await readLog(server.url, cursor, (await api.get('/boards/demo')).cursor)
  expect(settled.map(({ seq, type, data }) => [seq, type, data.attemptId, data.status, data.error])).toEqual([
    [seqOf(cursor) + 1, 'attempt.status.changed', attempt.id, 'failed', 'interrupted'],
  ])
})

/** Sixteen writers on a new board, until the server is killed after a random number of answers. */
async function load(
  boardId: string,
  { api, random, kill }: { api: ApiClient; random: Random; kill: () => Promise<unknown> },
): Promise<Round> {
  const made = await api.call('POST', '/boards', { id: boardId, name: boardId })
  if (made.status !== 201) throw new Error(`no board: ${made.status}`)
  const writers = Array.from({ length: WRITERS }, (_, index) => {
    return new Writer({ name: `${boardId}-${index}`, boardId, random, maxBatch: 30 })
  })
  const answered: Answered[] = []
  const enough = 20 + random.below(400)
  let killed: Promise<unknown> | null = null
  async function work(writer: Writer): Promise<void> {
    while (!killed) {
      const plan = writer.plan()
      const reply = await api.call(plan.method, plan.path, plan.body).catch(() => null)
      if (!reply) return
      if (reply.status >= 300) continue
      plan.done(reply)
      answered.push({ plan, reply })
      if (answered.length === enough) killed = kill()
    }
  }
  await Promise.all(writers.map(work))
  await killed
  return { boardId, answered, writers }
}

/** The event that an answer named exists, and it or an event of the same commit is about the changed resource. */
function expectPresent({ plan, reply }: Answered, log: readonly SeenEvent[], named: string): void {
  const seq = seqOf(reply.eventId)
  expect(log[seq - 1]?.id, named).toBe(reply.eventId)
  if (plan.kind === 'lines') {
    const { lines } = plan.body as { lines: ReadonlyArray<{ message: string }> }
    const stored = log.slice(seq - lines.length, seq).map(({ data }) => data.message)
    expect(stored, named).toEqual(lines.map(({ message }) => message))
    return
  }
  // The other kinds may change nothing; their answer then names the newest event.
  if (!['card', 'attempt', 'remove', 'end'].includes(plan.kind)) return
  const id = reply.body?.id ?? plan.path.split('/')[2]
  const told = log.slice(Math.max(0, seq - MOST_EVENTS), seq).map(({ data }) => JSON.stringify(data))
  expect(
    told.some((text) => text.includes(id)),
    `${plan.kind} ${id}, ${named}`,
  ).toBe(true)
}

/** A mutation with several events is there with all of them, in consecutive positions. */
function expectWholeBatches(news: readonly SeenEvent[], named: string): void {
  for (const [at, { type, data }] of news.entries()) {
    if (type === 'attempt.started') {
      const before = news.slice(at - 1, at).map((event) => [event.type, event.data.attemptId, event.data.status])
      expect(before, named).toEqual([['attempt.status.changed', data.attemptId, 'running']])
    }
    if (type === 'attempt.status.changed' && data.status === 'running') {
      expect([news[at + 1]?.type, news[at + 1]?.data.attemptId], named).toEqual(['attempt.started', data.attemptId])
    }
  }
}

/** Every running attempt has failed, and that is its last event. Resolves to the number of those attempts. */
async function expectSettled(news: readonly SeenEvent[], api: ApiClient, named: string): Promise<number> {
  const last = new Map<string, SeenEvent>()
  const deleted = new Set<string>()
  for (const event of news) {
    if (event.type === 'attempt.queued' || event.type === 'attempt.status.changed')
      last.set(event.data.attemptId, event)
    if (event.type === 'card.deleted') deleted.add(event.data.cardId)
  }
  const ends = [...last.values()].filter(({ data }) => !deleted.has(data.cardId))
  expect(
    ends.map(({ data }) => data.status).filter((status) => !['failed', 'succeeded', 'stopped'].includes(status)),
    named,
  ).toEqual([])
  const settled = ends.filter(({ data }) => data.error === 'interrupted')
  for (const { data } of settled.slice(0, 3)) {
    const { attempt } = await api.get(`/attempts/${data.attemptId}`)
    expect(attempt, named).toMatchObject({ status: 'failed', error: 'interrupted' })
  }
  return settled.length
}

function seqOf(cursor: string): number {
  return parseCursor(cursor)?.seq ?? 0
}
