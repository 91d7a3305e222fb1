/**
 * Every event of the catalogue, caused by a real request and seen by listeners of every kind: the exact bytes where it
 * shows, nothing where it does not, and the same bytes when it is read back. Generated from the catalogue: an entry
 * without a scenario does not compile. Rules CAT1 to CAT8.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogue, type Destination, type Entry, type EventType, placementsOf } from '../../shared/src/catalogue.ts'
import { frameValidator } from '../support/frame-validator.ts'
import { ALL_PLACES, type Observation, observe, type Place } from '../support/observing.ts'
import { scenarios } from '../support/scenarios/all.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { strictly } from '../support/strictly.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

const faultOf = frameValidator()

const BARE_DIFF: Place = 'a board stream in the diff view'
const BARE_FULL: Place = 'a board stream in the full view'
const CHANNEL_ID = {
  board: 'boardId',
  project: 'boardId',
  issue: 'cardId',
  attempt: 'attemptId',
  agent: 'agentId',
  topic: 'boardId',
  session: 'agentId',
  workflow: 'runId',
  shell: 'shellId',
}
const PREFIX: Readonly<Record<string, string>> = { workflow: 'workflow:run', shell: 'shell:terminal' }

/** The destinations that scenarios reach, which are those that the example reaches: one for each kind of channel. */
function shownBy(entry: Entry): readonly Destination[] {
  const reached = placementsOf(entry, entry.example).map(({ destination }) => destination)
  return reached.filter(
    ({ silent, channel, event }, index) =>
      !silent && index === reached.findIndex((other) => other.channel === channel && other.event === event),
  )
}

describe.each(Object.keys(catalogue) as EventType[])('%s', (type) => {
  const entry = catalogue[type]
  const shownOn = shownBy(entry)
  const isForEveryone = shownOn.some(({ channel }: Destination) => channel === '*')
  let seen: Observation
  let timestamp: number

  beforeAll(async () => {
    seen = await observe(server, type, scenarios[type])
    timestamp = Number(
      /"timestamp":(\d+),"actor":null,"id":"[^"]*"(?:,"topic":"[^"]*")?}\nid: .*\n\n$/.exec(bytes('global'))?.[1],
    )
  })

  /** What shows of the event; read back, where its channel could not be named before. */
  function bytes(place: Place): string {
    const { live, replayed, id } = seen
    return (isNew(place) ? replayed : live)[place]?.bytesOf(id) ?? ''
  }

  /** The resource of the channel was created by this request. */
  function isNew(place: Place): boolean {
    const made = seen.happened.made ?? {}
    const [kind = ''] = place.split(';')
    const field = place.startsWith('a board stream') ? 'boardId' : CHANNEL_ID[kind as keyof typeof CHANNEL_ID]
    return field in made
  }

  function bare(event: string, data: object): string {
    return `event: ${event}\ndata: ${JSON.stringify(data).replaceAll('\u2028', '\\u2028')}\nid: ${seen.id}\n\n`
  }

  function enveloped(channel: string, event: string, data: object): string {
    // Only `global` names the topic of a topic event.
    const topic = entry.isPosted && channel === 'global' && { topic: channelOf('topic').slice('topic:'.length) }
    return bare(event, { channel, event, data, timestamp, actor: null, id: seen.id, ...topic })
  }

  function channelOf(kind: string): string {
    const ids: Record<string, unknown> = { ...seen.scene, ...seen.happened.made }
    return `${PREFIX[kind] ?? kind}:${ids[CHANNEL_ID[kind as keyof typeof CHANNEL_ID]]}`
  }

  /** What the scenario says is shown on channels of a kind. */
  function expected(kind: string): readonly [event: string, data: object] {
    const [event, data] = seen.happened.shows[kind as keyof typeof seen.happened.shows] ?? ['', {}]
    // Output of agents contains the time of the commit.
    return event === 'output' || event === 'output_batch' ? [event, { timestamp, ...data }] : [event, data]
  }

  /** A topic event shows as it was posted. */
  function onGlobal(): readonly [event: string, data: object] {
    return entry.isPosted ? expected('topic') : [type, seen.happened.full]
  }

  it('[CAT1] is all that its request commits, besides what the scenario names', () => {
    const committed = seen.happened.sequence.map((name) => (name === type ? onGlobal()[0] : name))
    const global = isForEveryone ? [seen.happened.shows['*']?.[0], ...committed] : committed
    expect(seen.live.global.names).toEqual(global)
  })

  it('[CON12a] is on every stream as the contract says', () => {
    const frames = ALL_PLACES.flatMap((place) => bytes(place).split('\n\n').filter(Boolean))
    expect(frames.length).toBeGreaterThan(0)
    for (const frame of frames) expect(faultOf(frame), frame).toBeUndefined()
  })

  it('[CAT2] shows on global under its domain name with the whole payload', () => {
    const { full } = seen.happened
    const first = isForEveryone ? enveloped('*', ...expected('*')).replace(/^id: .*\n/m, '') : ''
    expect(bytes('global')).toBe(first + enveloped('global', ...onGlobal()))
    expect(() => strictly(entry.about, entry.shows).parse(JSON.parse(JSON.stringify(full)))).not.toThrow()
  })

  it('[CAT3] carries the time of its commit', () => {
    const { happened, askedAt, answeredAt } = seen
    expect(timestamp).toBeGreaterThanOrEqual(askedAt)
    expect(timestamp).toBeLessThanOrEqual(answeredAt)
    if (happened.at !== undefined) expect(new Date(timestamp).toISOString()).toBe(happened.at)
  })

  it('[CAT4] shows on the kinds of channel that the catalogue lists, each under its name', () => {
    const listed = shownOn.map(({ channel, event }: Destination) => [
      channel,
      entry.isPosted ? expected(channel)[0] : event,
    ])
    const told = Object.entries(seen.happened.shows).map(([channel, [event]]) => [channel, event])
    expect(told.sort()).toEqual(listed.sort())
  })

  for (const { channel, event, view, payload } of shownOn as readonly Destination[]) {
    if (channel === '*') {
      it.each(ALL_PLACES.filter((place) => place !== 'global'))(`[CAT5] shows as ${event} on %s`, (place) => {
        const isBare = place.includes(' ')
        expect(bytes(place)).toBe(isBare ? bare(...expected('*')) : enveloped('*', ...expected('*')))
      })
      continue
    }
    it(`[CAT4] shows as ${event} on ${channel}: in an envelope`, () => {
      expect(bytes(channel as Place)).toBe(enveloped(channelOf(channel), ...expected(channel)))
    })
    if (entry.isPosted) continue
    it(`[CAT6] shows on ${channel} the fields that its schema has, and no others`, () => {
      const schema = payload ? strictly(payload) : strictly(entry.shows)
      expect(() => schema.parse(JSON.parse(JSON.stringify(expected(channel)[1])))).not.toThrow()
    })
    if (channel !== 'board') continue
    it(`[CAT4] shows as ${event} on a board stream, bare`, () => {
      expect(bytes(BARE_DIFF)).toBe(bare(...expected('board')))
    })
    it(`[CAT7] ${view === 'diff' ? 'does not show' : 'shows alike'} in the full view`, () => {
      const shows = view !== 'diff'
      expect(bytes(BARE_FULL)).toBe(shows ? bare(...expected('board')) : '')
      expect(bytes('board;full')).toBe(shows ? enveloped(channelOf('board'), ...expected('board')) : '')
    })
  }

  it('[CAT4] shows nowhere else', () => {
    if (isForEveryone) return
    const kinds = shownOn.map(({ channel }: Destination) => channel as string)
    const onBoard = (place: Place) => place.startsWith('a board stream') || place.startsWith('board')
    const elsewhere = ALL_PLACES.filter((place) =>
      onBoard(place) ? !kinds.includes('board') : place !== 'global' && !kinds.includes(place),
    )
    for (const place of elsewhere) {
      expect(seen.live[place].bytesOf(seen.id), place).toBe('')
      expect(seen.replayed[place]?.bytesOf(seen.id) ?? '', `${place}, read back`).toBe('')
    }
  })

  it('[CAT8] is replayed unchanged', () => {
    const ended = ALL_PLACES.filter((place) => seen.replayed[place] === null)
    const ending = (entry.to as readonly Destination[]).filter(({ ends }) => ends)
    const over: Place[] = ending.length > 0 ? [BARE_DIFF, BARE_FULL, 'board', 'board;full', 'project'] : []
    expect(ended).toEqual(over)
    for (const place of ALL_PLACES) {
      if (ended.includes(place) || isNew(place)) continue
      expect(seen.replayed[place]?.bytesOf(seen.id), place).toBe(seen.live[place].bytesOf(seen.id))
    }
  })
})
