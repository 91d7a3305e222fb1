/**
 * The stream that commands listen with, in this process, so that hundreds of cuts take seconds.
 *
 * CMD7   Faults that pass are no end: streams come back at the last id.
 * CMD17  A connection that is cut at whatever byte costs nothing: every event once, in order.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApi } from '../../src/cli/api/api.ts'
import { type EventItem, EventSource, type StreamItem } from '../../src/cli/stream/event-source.ts'
import { cursorAt, newestId, passed } from '../../src/cli/stream/log-pages.ts'
import type { TransportName } from '../../src/cli/stream/transport.ts'
import { startPrefixProxy } from './support/cutting-prefix-proxy.ts'
import { startHub } from './support/server.ts'

let hub: Awaited<ReturnType<typeof startHub>>
beforeAll(async () => {
  hub = await startHub()
})
afterAll(() => hub[Symbol.asyncDispose]())

/** A board whose cards are made, or moved, after the first of the two ids. */
async function workOn(board: string, titles: readonly string[], isMoved = false): Promise<readonly string[]> {
  const newest = async () => (await hub.ask('GET', '/cursor')).cursor as string
  await hub.ask('POST', '/boards', { id: board, name: board })
  let since = await newest()
  const ids: string[] = []
  for (const title of titles) ids.push((await hub.ask('POST', `/boards/${board}/cards`, { title })).id)
  if (isMoved) since = await newest()
  if (isMoved) for (const id of ids) await hub.ask('POST', `/cards/${id}/move`, { columnKey: 'review' })
  return [since, await newest()]
}

interface Listening {
  readonly url: string
  readonly channels: readonly string[]
  readonly since: string
  readonly transport?: TransportName
  readonly types?: readonly string[]
}

/** What comes until everything up to `until` has come. */
async function listenUntil(until: string, { url, ...options }: Listening): Promise<StreamItem[]> {
  const end = new AbortController()
  const api = createApi({ url })
  const source = new EventSource(api, { ...options, signal: end.signal })
  const items: StreamItem[] = []
  void passed(source, until, { api, query: options, signal: end.signal }).then(() => end.abort())
  for await (const item of source.items()) items.push(item)
  return items
}

function namesIn(items: readonly StreamItem[]): string[] {
  return items.filter((item): item is EventItem => item.kind === 'event').map(({ envelope: e }) => `${e.id} ${e.event}`)
}

const STEP = 23
const BYTES = 1_500

test.each([
  ['sse', 0],
  ['ws', 3],
] as const)('[CMD17] [CMD7] cut at any byte, a stream over %s has every event once', async (transport, offset) => {
  const board = `cut-${transport}`
  // Each event shows under two names on the two channels.
  const [since = '', until = ''] = await workOn(board, ['one', 'two'], true)
  const channels = [`board:${board}`, `project:${board}`]
  await using proxy = await startPrefixProxy({ port: Number(new URL(hub.url).port) })
  const whole = namesIn(await listenUntil(until, { url: hub.url, channels, since, transport }))
  const names = ['card_moved', 'status_changed', 'card_moved', 'status_changed']
  expect(whole.map((line) => line.split(' ')[1])).toEqual(names)

  const positions = Array.from({ length: BYTES / STEP }, (_, index) => index * STEP + offset)
  const results = await Promise.all(
    positions.map(async (position) => {
      const url = `${proxy.url}/cut-${position}`
      return [position, namesIn(await listenUntil(until, { url, channels, since, transport }))] as const
    }),
  )
  for (const [position, came] of results) expect(came, `cut after ${position} bytes`).toEqual(whole)
  expect(proxy.cuts()).toBe(positions.length)
})

test('[CMD17] after a gap it goes on where the log is complete, and says so', async () => {
  const [, until = ''] = await workOn('gap', ['one'])
  const items = await listenUntil(until, { url: hub.url, channels: ['board:gap'], since: '00000000-7' })
  expect(items[0]).toEqual({
    kind: 'gap',
    notice: { requested: '00000000-7', oldest: expect.any(String), reason: 'epoch' },
  })
  expect(items.slice(1).every((item) => item.kind === 'open')).toBe(true)
})

test('[CMD15] on `global` an event to everyone comes once, under its domain name', async () => {
  const since = (await hub.ask('GET', '/cursor')).cursor as string
  await hub.ask('POST', '/agents', { id: 'copied' })
  const until = await newestId(createApi({ url: hub.url }))
  for (const transport of ['sse', 'ws'] as const) {
    const items = await listenUntil(until, { url: hub.url, channels: ['global'], since, transport })
    expect(namesIn(items).map((line) => line.split(' ')[1])).toEqual(['agent.registered'])
    expect(items.at(-1)).toEqual({ kind: 'reached', id: until })
  }
})

test('[CMD16] that the newest id has been passed is known at once, although the stream is quiet', async () => {
  await workOn('quiet', ['one'])
  const [since = ''] = await workOn('loud', ['one', 'two'])
  const until = await newestId(createApi({ url: hub.url }))
  const started = performance.now()
  expect(await listenUntil(until, { url: hub.url, channels: ['board:quiet'], since })).toHaveLength(1)
  expect(performance.now() - started).toBeLessThan(10_000) // the next heartbeat comes after 15 s
})

test('[CMD15] a moment is found in the log: the cursor before the first event at or after it', async () => {
  const [since = '', until = ''] = await workOn('moment', ['one', 'two', 'three'])
  const api = createApi({ url: hub.url })
  const { events } = await hub.ask('GET', `/events?channels=board:moment&after=${since}`)
  const { signal } = new AbortController()
  const at = (timestamp: number) => cursorAt(api, { channels: ['board:moment'] }, timestamp, signal)
  for (const { timestamp } of events) {
    const first = events.find((event: { timestamp: number }) => event.timestamp >= timestamp)
    const page = await hub.ask('GET', `/events?channels=board:moment&limit=1&after=${await at(timestamp)}`)
    expect(page.events).toEqual([first])
  }
  expect((await hub.ask('GET', `/events?channels=board:moment&after=${await at(Date.now() + 60_000)}`)).events).toEqual(
    [],
  )
  expect(until).toMatch(/^[0-9a-f]{8}-\d+$/)
})
