/**
 * What every kind of listener receives of one request, live and in a replay from before it. Nothing waits for the clock:
 * an event to everyone before and after the request marks the stretch on each stream.
 */
import { formatCursor, parseCursor } from '../../shared/src/cursor.ts'
import type { Happened, Ids, Scenario, Scene } from './scenarios/scenario.ts'
import type { TestServer } from './server.ts'
import { Listener } from './stream.ts'

const BOARD = (view: string) => (ids: Ids) => `boardId=${ids.boardId}&view=${view}`

/** One listener of each kind; all of them receive the events to everyone. */
export const PLACES = {
  'a board stream in the diff view': BOARD('diff'),
  'a board stream in the full view': BOARD('full'),
  'the dashboard stream': () => '',
  board: (ids: Ids) => `channels=board:${ids.boardId}`,
  'board;full': (ids: Ids) => `channels=board:${ids.boardId};full`,
  project: (ids: Ids) => `channels=project:${ids.boardId}`,
  issue: (ids: Ids) => `channels=issue:${ids.cardId}`,
  attempt: (ids: Ids) => `channels=attempt:${ids.attemptId}`,
  agent: (ids: Ids) => `channels=agent:${ids.agentId}`,
  session: (ids: Ids) => `channels=session:${ids.agentId}`,
  workflow: (ids: Ids) => `channels=workflow:run:${ids.runId ?? 'none'}`,
  shell: (ids: Ids) => `channels=shell:terminal:${ids.shellId ?? 'none'}`,
  topic: (ids: Ids) => `channels=topic:${ids.boardId}`,
  dashboard: () => 'channels=dashboard',
  metrics: () => 'channels=metrics',
  global: () => 'channels=global',
} as const
export type Place = keyof typeof PLACES
export const ALL_PLACES = Object.keys(PLACES) as Place[]

const SNAPSHOTS = /^event: (state|dashboard_overview|metric\.update|heartbeat)\n/

/** The SSE events of one stretch, without snapshots. */
export class Stretch {
  /** Text of the frames by the id that ends them. */
  readonly #byId = new Map<string, string>()
  /** Names of all frames, in order. */
  readonly names: string[] = []

  constructor(frames: readonly string[]) {
    let text = ''
    for (const frame of frames) {
      if (SNAPSHOTS.test(frame)) continue
      this.names.push(/^event: (.*)$/m.exec(frame)?.[1] ?? '')
      text += frame
      const id = /^id: (.*)$/m.exec(frame)?.[1]
      if (id === undefined) continue
      this.#byId.set(id, (this.#byId.get(id) ?? '') + text)
      text = ''
    }
    if (text !== '') throw new Error(`frames without an id at the end: ${text}`)
  }

  /** Every byte of the event with this id; empty when it does not show. */
  bytesOf(id: string): string {
    return this.#byId.get(id) ?? ''
  }
}

export interface Observation {
  readonly scene: Scene
  readonly happened: Happened
  /** Id of the event of the requested type. */
  readonly id: string
  /** The newest id before the request. */
  readonly before: string
  /** Milliseconds since 1970 around the request. */
  readonly askedAt: number
  readonly answeredAt: number
  readonly live: Readonly<Record<Place, Stretch>>
  /** A replay from `before`; null when the channel was deleted and a request for it is 404. */
  readonly replayed: Readonly<Record<Place, Stretch | null>>
}

export async function observe(server: TestServer, type: string, scenario: Scenario): Promise<Observation> {
  const scene = await scenario(server)
  const listeners = ALL_PLACES.map((place) => new Listener(server.url, `/sse?${PLACES[place](scene)}`))
  try {
    for (const [index, listener] of listeners.entries()) await listener.frame(openingEnd(ALL_PLACES[index] ?? 'global'))
    const start = await mark(server)
    await Promise.all(listeners.map((listener) => reached(listener, start)))
    const askedAt = Date.now()
    const happened = await scene.act()
    const answeredAt = Date.now()
    const end = await mark(server)
    await Promise.all(listeners.map((listener) => reached(listener, end)))

    const before = earlier(happened.eventId, happened.sequence.length)
    const live = record((place) => {
      const listener = listeners[ALL_PLACES.indexOf(place)]
      return new Stretch(between(listener?.body ?? '', start, end))
    })
    const ids = { ...scene, ...happened.made }
    const replayed = Object.fromEntries(
      await Promise.all(
        ALL_PLACES.map(async (place) => [place, await replay(server, PLACES[place](ids), before, end)]),
      ),
    ) as Record<Place, Stretch | null>
    const after = happened.sequence.length - 1 - happened.sequence.indexOf(type)
    return { scene, happened, id: earlier(happened.eventId, after), before, askedAt, answeredAt, live, replayed }
  } finally {
    for (const listener of listeners) listener.close()
  }
}

async function replay(server: TestServer, query: string, after: string, end: string): Promise<Stretch | null> {
  await using listener = new Listener(server.url, `/sse?${query}&lastEventId=${after}`)
  await listener.until('an answer', () => listener.head)
  if (listener.status === 404) return null
  await reached(listener, end)
  return new Stretch(between(listener.body, null, end))
}

let marks = 0

/** Commits an event that every stream shows, and returns its id. */
async function mark(server: TestServer): Promise<string> {
  return (await server.post('/agents', { id: `mark-${++marks}`, label: 'mark' })).eventId
}

/** Resolves when the stream has shown the mark, or has ended. */
function reached(listener: Listener, mark: string): Promise<unknown> {
  return listener.until(
    `the mark ${mark}`,
    () => listener.ended || listener.frames.some(({ id, event }) => id === mark && isMark(event)),
  )
}

/** The frames after the mark `start` (null: after hello) and before the mark `end`. */
function between(body: string, start: string | null, end: string): string[] {
  const frames = body.split('\n\n').map((text) => `${text}\n\n`)
  const from = start === null ? frames.findIndex((text) => text.includes('event: hello\n')) : placeOf(frames, start)
  const to = frames.findIndex((text) => idOf(text) === end && isMark(nameOf(text)))
  // A mark has a frame without an id before it where two names of it show.
  const isDouble = to > 0 && idOf(frames[to - 1] ?? '') === undefined && isMark(nameOf(frames[to - 1] ?? ''))
  return frames.slice(from + 1, to < 0 ? frames.length - 1 : isDouble ? to - 1 : to)
}

function placeOf(frames: readonly string[], mark: string): number {
  return frames.findIndex((text) => idOf(text) === mark && isMark(nameOf(text)))
}

const idOf = (frame: string) => /^id: (.*)$/m.exec(frame)?.[1]
const nameOf = (frame: string) => /^event: (.*)$/m.exec(frame)?.[1] ?? ''
const isMark = (event: string) => event === 'agent_registered' || event === 'agent.registered'

function openingEnd(place: Place): string {
  if (place.startsWith('a board stream') || place.startsWith('board')) return 'state'
  return place === 'the dashboard stream' || place === 'dashboard' ? 'dashboard_overview' : 'hello'
}

/** The id `count` positions before. */
function earlier(id: string, count: number): string {
  const cursor = parseCursor(id)
  if (!cursor) throw new Error(`${id} is no id`)
  return formatCursor(cursor.epoch, cursor.seq - count)
}

function record<T>(make: (place: Place) => T): Record<Place, T> {
  return Object.fromEntries(ALL_PLACES.map((place) => [place, make(place)])) as Record<Place, T>
}
