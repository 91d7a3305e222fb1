/**
 * Uninterrupted delivery, with a server that is stopped and killed and listeners that are cut at any byte.
 *
 *   U1  A listener that reconnects with its last id gets every later event, none twice, none missing, in the order of the
 *       log, however often and wherever it is cut, and whatever happens to the server meanwhile.
 *   U2  Ids on a connection never decrease, and events never share one.
 *   U3  The state at the start of a `diff` stream, with all later events applied over any number of connections, is the
 *       state of the board.
 *   U4  Log lines arrive exactly once and in the order in which they were posted, joined or not.
 *   U5  All of it holds for compressed streams, which may be cut in the middle of a block.
 *   U6  A POST that is repeated with its Idempotency-Key is carried out once, even if the server was killed between its
 *       commit and its answer.
 */
import { expect, onTestFinished, test } from 'vitest'
import { createApiClient } from '../support/api.ts'
import { ChildServer } from '../support/child-server.ts'
import { difference, expectedSightings, fold, foldLog, linesByAttempt, sightings } from '../support/comparing.ts'
import { readLog, type SeenEvent } from '../support/log-reader.ts'
import { carryOut } from '../support/persistent.ts'
import { chooseSeed, createRandom, type Random } from '../support/random.ts'
import { ResumingListener } from '../support/resuming-listener.ts'
import type { Listening } from '../support/sights.ts'
import { Writer } from '../support/writer.ts'

const BOARD = 'demo'
const CUTS = 200
/** The signal that stops the server after a number of cuts of the slowest listener. */
const STOPS = [
  [30, 'SIGTERM'],
  [60, 'SIGKILL'],
  [95, 'SIGKILL'],
  [130, 'SIGTERM'],
  [165, 'SIGKILL'],
] as const
const WRITERS = ['ann', 'bob', 'cid']

interface Stream {
  readonly name: string
  readonly listening: Listening
  readonly path: string
  /** Payloads without envelopes. */
  readonly bare: boolean
  readonly gzip: boolean
}

const everyChannel = (cardId: string, attemptId: string) => [
  `agent:agent-${WRITERS[0]}`,
  `board:${BOARD}`,
  `project:${BOARD}`,
  `issue:${cardId}`,
  `attempt:${attemptId}`,
]

test('[U1] [U2] [U3] [U4] [U5] [U6] streams that are cut 200 times each over five restarts show the whole log once', {
  timeout: 120_000,
}, async () => {
  const seed = chooseSeed()
  const random = createRandom(seed)
  await using server = await ChildServer.start({ BOARDCAST_HEARTBEAT_MS: '100' })
  using api = createApiClient(server.url)
  await api.call('POST', '/boards', { id: BOARD, name: 'Demo' })
  const { body: card } = await api.call('POST', `/boards/${BOARD}/cards`, { title: 'watched' })
  const { body: attempt } = await api.call('POST', `/cards/${card.id}/attempts`, {
    agent: `agent-${WRITERS[0]}`,
    status: 'running',
  })

  const streams = streamsOf(everyChannel(card.id, attempt.id))
  let isCutting = true
  const listeners = streams.map(
    ({ path, gzip }) =>
      new ResumingListener({
        url: server.url,
        path,
        gzip,
        cutAfter: ({ lastEventId }) => (isCutting ? cutLength(random, lastEventId === undefined) : undefined),
        up: () => server.up,
      }),
  )
  onTestFinished(async () => {
    for (const listener of listeners) await listener[Symbol.asyncDispose]()
  })

  const writers = WRITERS.map((name) => new Writer({ name, boardId: BOARD, random }))
  // One attempt has a listener on its own channel.
  writers[0]?.cards.push({ id: card.id, attempt: { id: attempt.id, lines: 0 } })
  let isWriting = true
  const writing = writers.map(async (writer) => {
    while (isWriting) await carryOut(writer.plan(), api, server)
  })

  for (const [cuts, signal] of STOPS) {
    await Promise.all(listeners.map((listener) => listener.until(() => listener.cuts >= cuts)))
    expect(await server.stop(signal)).toBe(signal === 'SIGTERM' ? 0 : null)
    await server.start()
  }
  await Promise.all(listeners.map((listener) => listener.until(({ cuts }) => cuts >= CUTS)))
  isWriting = false
  await Promise.all(writing)
  isCutting = false
  const { state, cursor } = await api.get(`/boards/${BOARD}`)
  const end = Number(cursor.split('-')[1])
  await Promise.all(listeners.map((listener) => listener.until(({ received }) => received.reached >= end)))

  const log = await readLog(server.url, 'earliest', cursor)
  expect(
    log.map(({ seq }) => seq),
    `seed ${seed}`,
  ).toEqual(Array.from({ length: end }, (_, index) => index + 1))
  expect(foldLog(log, BOARD), `seed ${seed}`).toEqual(state)
  expectLinesOf(writers, log)
  for (const [index, { received }] of listeners.entries()) {
    const stream = streams[index] as Stream
    const named = `${stream.name}, seed ${seed}`
    expect(received.faults, named).toEqual([])
    expect(received.gaps, named).toEqual([])
    expect(received.resumed, named).toBeGreaterThan(CUTS / 2)
    const { frames, start } = received.stretch
    expect(start, named).toBeDefined()
    const missed = log.filter(({ seq }) => seq > (start ?? end))
    const expected = expectedSightings(missed, stream.listening, stream.bare)
    expect(difference(sightings(frames, stream.bare), expected), named).toBeNull()
    expect(expected.length, named).toBeGreaterThan(100)
    if (stream.bare && stream.listening.view === 'diff') expect(fold(frames), named).toEqual(state)
  }
  expect(server.errors).toBe('')
})

function streamsOf(channels: readonly string[]): Stream[] {
  const list = channels.join(',')
  const board: Listening = { channels: [`board:${BOARD}`], view: 'diff' }
  const agent: Listening = { channels: channels.slice(0, 1), types: ['output', 'output_batch'] }
  const boardPath = `/sse?boardId=${BOARD}&view=diff`
  return [
    { name: 'diff', listening: board, path: boardPath, bare: true, gzip: false },
    { name: 'diff, gzip', listening: board, path: boardPath, bare: true, gzip: true },
    { name: 'channels', listening: { channels }, path: `/sse?channels=${list}`, bare: false, gzip: false },
    { name: 'channels, gzip', listening: { channels }, path: `/sse?channels=${list}`, bare: false, gzip: true },
    {
      name: 'global',
      listening: { channels: ['global'] },
      path: '/sse?channels=global&since=earliest',
      bare: false,
      gzip: true,
    },
    { name: 'agent', listening: agent, path: `/events/agent-${WRITERS[0]}`, bare: true, gzip: false },
  ]
}

/** Some cuts fall into the head or the hello, most into the events. A fresh stream must receive its state once. */
function cutLength(random: Random, isFresh: boolean): number {
  if (random.chance(0.2)) return 1 + random.below(900)
  return 1 + random.below(isFresh ? 100_000 : 8_000)
}

/** Every line that was answered 2xx is in the log once, and the lines of an attempt are numbered from 0 in order. */
function expectLinesOf(writers: readonly Writer[], log: readonly SeenEvent[]): void {
  const payloads = log.filter(({ type }) => type === 'attempt.log.appended').map(({ data }) => data)
  const lines = linesByAttempt(payloads)
  for (const writer of writers) {
    for (const [attemptId, count] of writer.lines) {
      const numbers = (lines.get(attemptId) ?? []).map((message) => Number(message.split(' ')[1]))
      expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index))
    }
  }
}
