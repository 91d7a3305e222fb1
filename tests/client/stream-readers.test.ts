/**
 * Readers: each has its own cursor on the shared stream.
 *
 * CR1  Readers of one hub share its stream; each gets the events of its channels and types, and no others.
 * CR2  An event that shows on several channels reaches the readers of each, under the channel that they named, though the
 *      stream carries it once.
 * CR3  After `since` come pages of the log, then the stream: every event once and in order, whatever happens meanwhile.
 * CR4  A reader that joins an open stream gets every event after the id of `ready`.
 * CR5  Lost events are a `gap`, then `ready` comes again; the same for a `since` that the log does not know.
 * CR6  Errors of a handler go to `error`, and do not affect other readers; readers may be added and removed meanwhile.
 * CR7  As an async iterator: every event, a gap as a frame, a refusal as an error; leaving the loop ends the
 *      subscription.
 * CR8  Invalid channels are refused by the call; a channel that the server refuses ends this
 *      reader with `error`, and no other.
 * CA5  A reader that reads the log waits for other credentials.
 * CR9  Joined lines come once, also for a reader whose cursor is among them.
 */
import { describe, expect, test } from 'vitest'
import { catalogue, type Entry, entryOf, placementsOf } from '../../shared/src/catalogue.ts'
import { channelName, parseChannel } from '../../shared/src/channels.ts'
import { inOrder } from '../../web/client/base/channel-order.ts'
import { shownOn } from '../../web/client/base/channels.ts'
import { BoardcastError } from '../../web/client/base/errors.ts'
import type { Frame, HubCore } from '../../web/client/base/types.ts'
import { readPage } from '../../web/client/stream/pages.ts'
import { SharedStream } from '../../web/client/stream/shared-stream.ts'
import { select } from '../../web/client/stream/subscription.ts'
import { Collector } from './support/collector.ts'
import { FakeClock, settled } from './support/fake-clock.ts'
import { fakeConnection } from './support/fake-connection.ts'
import { EPOCH, FakeTransport } from './support/fake-transport.ts'

const at = (seq: number) => `${EPOCH}-${seq}`

function frame(channel: string, event: string, seq: number, data: unknown = {}): Frame {
  return { channel, event, data, timestamp: seq, id: at(seq) }
}

interface Setup {
  readonly stream: SharedStream
  readonly subscribe: HubCore['subscribe']
  readonly clock: FakeClock
  wanted: string[]
  behind: number
  /** Requests for pages; a test answers them. */
  readonly pages: Array<{
    readonly query: URLSearchParams
    answer(frames: Frame[], cursor: number, more?: boolean): Promise<void>
    refuse(status: number): Promise<void>
  }>
}

function setUp(): Setup {
  const clock = new FakeClock()
  const pages: Setup['pages'] = []
  const request = ((_method: string, path: string) =>
    new Promise((resolve, reject) => {
      pages.push({
        query: new URLSearchParams(path.split('?')[1]),
        answer: (events, cursor, more = false) => {
          resolve({ status: 200, eventId: null, body: { events, cursor: at(cursor), oldest: at(0), more } as never })
          return settled()
        },
        refuse: (status) => {
          reject(new BoardcastError('refused', 'no', { status }))
          return settled()
        },
      })
    })) as HubCore['request']
  const stream = new SharedStream({
    clock,
    readPage: (query, signal) => readPage(request, query, signal),
    isAccepted: () => true,
    onCatchingUp: (count) => {
      it.behind = count
    },
  })
  const it: Setup = {
    stream,
    subscribe: (options, handlers) => stream.subscribe(select(options), handlers),
    clock,
    wanted: [],
    behind: 0,
    pages,
  }
  stream.attach({
    status: { get: () => ({}) as never, subscribe: () => () => {} },
    want: (channels) => {
      it.wanted = [...channels]
    },
    reconnect() {},
    close() {},
  })
  return it
}

async function reading(it: Setup, ...channels: string[]): Promise<Collector> {
  const collector = new Collector()
  it.subscribe({ channels }, collector)
  await settled()
  return collector
}

/** The one payload that does not tell: of a message's addressee, where its topic carries the event. */
function isHidden(type: string, carrier: string, other: string): boolean {
  return /^message\.(read|expired)$/.test(type) && carrier.startsWith('topic:') && other.startsWith('agent:')
}

const covering = (...channels: string[]) => new Set(channels)

describe('delivery', () => {
  test('[CL1] the stream is kept for 5 s after the last reader, unless that reader has waited already', async () => {
    const it = setUp()
    const leave = it.subscribe({ channels: ['agent:a'] }, {})
    leave()
    await it.clock.pass(4_999)
    expect(it.wanted).toEqual(['agent:a'])
    const leaveAtOnce = it.subscribe({ channels: ['agent:b'], lingers: false }, {})
    expect(it.wanted).toEqual(['agent:b'])
    await it.clock.pass(5_000)
    expect(it.wanted).toEqual(['agent:b'])
    leaveAtOnce()
    expect(it.wanted).toEqual([])
  })

  test('[CR1] by channel and type', async () => {
    const it = setUp()
    const a = await reading(it, 'agent:a')
    const both = await reading(it, 'agents/a', 'agent:b')
    const some = new Collector()
    it.subscribe({ channels: ['agent:a'], types: ['out*', 'agent_started'] }, some)
    await settled()
    expect(it.wanted).toEqual(['agent:a', 'agent:b'])
    it.stream.covered(covering('agent:a', 'agent:b'), at(1))
    it.stream.frame(frame('agent:a', 'output', 2), true)
    it.stream.frame(frame('agent:b', 'output', 3), true)
    it.stream.frame(frame('*', 'agent_registered', 4), true)
    expect(a.received).toEqual([`ready ${at(1)}`, `output#${at(2)}`, `agent_registered#${at(4)}`])
    expect(both.received).toEqual([`ready ${at(1)}`, `output#${at(2)}`, `output#${at(3)}`, `agent_registered#${at(4)}`])
    expect(some.received).toEqual([`ready ${at(1)}`, `output#${at(2)}`])
  })

  test('[CR2] every pair of channels that show an event of the catalogue', () => {
    const seen = new Set<string>()
    for (const [type, { example: plain, fields }] of Object.entries<Entry>(catalogue)) {
      const example: Record<string, unknown> = { ...plain }
      // An example that shows on one channel of a kind is made to show on all possible kinds.
      for (const [name, value] of [
        ['to_agent', 'claude-1'],
        ['topic', 'deploys'],
        ['agent_type', 'planner'],
      ] as const) {
        if (name in example) example[name] = value
      }
      const entry = entryOf(type)
      if (!entry || entry.isPosted) continue
      const bare = Object.fromEntries(fields.shows.map((name) => [name, example[name]]))
      const shown = placementsOf(entry, example)
        .filter(({ channel, destination }) => channel !== '*' && !destination.silent)
        .map(({ channel, destination }) => ({
          channel,
          event: destination.event,
          data: destination.data ? destination.data(example) : { ...bare },
        }))
      const all = [...shown, { channel: 'global', event: type, data: { ...example } as unknown }]
      for (const one of all) {
        for (const other of all) {
          if (one === other || one.event !== other.event) continue
          // The stream carries it on the first of the two; the reader of the other must get it.
          const [first] = inOrder([one.channel, other.channel])
          const carried = first === one.channel ? one : other
          const wanted = first === one.channel ? other : one
          const channel = parseChannel(wanted.channel)
          if (!channel) throw new Error(wanted.channel)
          const found = shownOn(
            { ...frame(carried.channel, carried.event, 1), data: carried.data },
            new Map([[channel.name, channel]]),
          )
          if (isHidden(type, carried.channel, wanted.channel)) {
            expect(found, 'the log is asked').toBeNull()
            continue
          }
          expect(`${carried.event} on ${carried.channel} for ${wanted.channel}: ${found}`).toBe(
            `${carried.event} on ${carried.channel} for ${wanted.channel}: ${wanted.channel}`,
          )
          seen.add(`${carried.channel.split(':')[0]} ${wanted.channel.split(':')[0]}`)
        }
      }
    }
    expect([...seen].sort()).toMatchInlineSnapshot(`
      [
        "agent agent",
        "agent issue",
        "board attempt",
        "global agent",
        "global session",
        "global shell",
        "global workflow",
        "project agent",
        "project global",
        "project issue",
        "project workflow",
        "topic agent",
        "topic global",
      ]
    `)
  })

  test('[CR2] a message to everyone reaches every channel, even if `global` carries it', () => {
    for (const type of ['message.new', 'message.read', 'message.expired'] as const) {
      const data = { ...catalogue[type].example, to_agent: null, topic: null }
      const board = new Map([['board:b', { kind: 'board', id: 'b', name: 'board:b' } as const]])
      expect(shownOn({ ...frame('global', type, 1), data }, board)).toBe('*')
      expect(shownOn({ ...frame('global', type, 1), data: { ...data, topic: 't' } }, board)).toBeUndefined()
    }
  })

  test('[CR2] no event reaches a channel that does not show it', () => {
    const wrong: string[] = []
    const kinds = ['board', 'project', 'issue', 'attempt', 'agent', 'session', 'workflow', 'shell', 'topic'] as const
    for (const [type, { example, fields, isPosted }] of Object.entries<Entry>(catalogue)) {
      const entry = entryOf(type)
      if (!entry || isPosted) continue
      const placements = placementsOf(entry, example).filter(({ destination }) => !destination.silent)
      const channels = new Set(placements.map(({ channel }) => channel))
      const bare = Object.fromEntries(fields.shows.map((name) => [name, example[name]]))
      for (const { channel, destination } of [
        ...placements,
        { channel: 'global', destination: { event: type, data: () => example } },
      ]) {
        if (channel === '*') continue
        const data = destination.data ? destination.data(example) : bare
        // Every id of the payload is tried as the id of every kind of channel.
        const ids = new Set(Object.values({ ...example, ...data }).filter((value) => typeof value === 'string'))
        for (const kind of kinds) {
          for (const id of ids) {
            const other = parseChannel(channelName(kind, id))
            if (!other) continue
            const found = shownOn({ ...frame(channel, destination.event, 1), data }, new Map([[other.name, other]]))
            const isShown = placements.some(
              (each) => each.channel === other.name && each.destination.event === destination.event,
            )
            const isAsked = found === null && isHidden(type, channel, other.name)
            if (found !== undefined && !isAsked && !isShown)
              wrong.push(`${destination.event} of ${channel} on ${other.name}`)
          }
        }
      }
      expect(channels.size).toBeGreaterThanOrEqual(0)
    }
    expect(wrong).toEqual([])
  })

  test('[CR2] the reader sees the channel that it named', async () => {
    const it = setUp()
    const board = await reading(it, 'board:b')
    const attempt = await reading(it, 'attempt:x')
    const all = await reading(it, 'global')
    it.stream.covered(covering('board:b', 'attempt:x', 'global'), at(1))
    it.stream.frame(frame('board:b', 'attempt_log', 2, { attemptId: 'x' }), false)
    it.stream.frame(frame('global', 'attempt.log.appended', 2, { attemptId: 'x', boardId: 'b' }), true)
    it.stream.frame(frame('board:b', 'attempt_log', 3, { attemptId: 'y' }), true)
    expect(board.frames.map(({ channel, id }) => [channel, id])).toEqual([
      ['board:b', at(2)],
      ['board:b', at(3)],
    ])
    expect(attempt.frames.map(({ channel, event, id }) => [channel, event, id])).toEqual([
      ['attempt:x', 'attempt_log', at(2)],
    ])
    expect(all.frames.map(({ channel, event, id }) => [channel, event, id])).toEqual([
      ['global', 'attempt.log.appended', at(2)],
    ])
  })

  test('[CR2] a frame that does not tell is read from the log', async () => {
    const it = setUp()
    const agent = await reading(it, 'agent:a')
    const topic = await reading(it, 'topic:t')
    it.stream.covered(covering('topic:t', 'agent:a'), at(1))
    it.stream.frame(frame('topic:t', 'message.read', 2, { message_id: 'm' }), true)
    expect(topic.ids).toEqual([at(2)])
    expect(Object.fromEntries(it.pages[0]?.query ?? [])).toMatchObject({ channels: 'agent:a', after: at(1) })
    it.stream.frame(frame('agent:a', 'output', 3), true)
    await it.pages[0]?.answer([frame('agent:a', 'message.read', 2, { message_id: 'm' })], 2)
    expect(agent.frames.map(({ channel, event, id }) => [channel, event, id])).toEqual([
      ['agent:a', 'message.read', at(2)],
      ['agent:a', 'output', at(3)],
    ])
  })
})

describe('pages, then the stream', () => {
  test('[CR3] pages up to the checkpoint, then queued frames, then live', async () => {
    const it = setUp()
    const since = new Collector()
    it.subscribe({ channels: ['agent:a'], types: ['output*'], since: at(2) }, since)
    await settled()
    expect(it.pages).toHaveLength(0)
    it.stream.covered(covering('agent:a'), at(10))
    await settled()
    expect(it.behind).toBe(1)
    expect(Object.fromEntries(it.pages[0]?.query ?? [])).toEqual({
      channels: 'agent:a',
      types: 'output*',
      after: at(2),
      limit: '1000',
    })
    it.stream.frame(frame('agent:a', 'output', 11), true)
    await it.pages[0]?.answer([frame('agent:a', 'output', 4), frame('agent:a', 'output', 6)], 7, true)
    expect(it.pages[1]?.query.get('after')).toBe(at(7))
    it.stream.frame(frame('agent:a', 'output', 12), true)
    // The page goes beyond the checkpoint: those events come from the stream.
    await it.pages[1]?.answer(
      [frame('agent:a', 'output', 9), frame('agent:a', 'output', 11), frame('agent:a', 'output', 12)],
      12,
    )
    it.stream.frame(frame('agent:a', 'output', 13), true)
    expect(since.received).toEqual([`ready ${at(2)}`, ...[4, 6, 9, 11, 12, 13].map((seq) => `output#${at(seq)}`)])
    expect(it.behind).toBe(0)
  })

  test('[CR3] from the earliest: as far back as the log goes', async () => {
    const it = setUp()
    const since = new Collector()
    it.subscribe({ channels: ['agent:a'], since: 'earliest' }, since)
    it.stream.covered(covering('agent:a'), at(3))
    await settled()
    expect(it.pages[0]?.query.has('after')).toBe(false)
    await it.pages[0]?.answer([frame('agent:a', 'output', 1)], 3)
    expect(since.received).toEqual([`ready ${at(0)}`, `output#${at(1)}`])
  })

  test('[CR3] frames beyond the limit of the queue are read from the log', async () => {
    const it = setUp()
    const since = new Collector()
    it.subscribe({ channels: ['agent:a'], since: at(0) }, since)
    it.stream.covered(covering('agent:a'), at(1))
    await settled()
    for (let seq = 2; seq <= 2_500; seq++) it.stream.frame(frame('agent:a', 'output', seq), true)
    await it.pages[0]?.answer([frame('agent:a', 'output', 1)], 1, true)
    // 2 to 2001 were queued and dropped, so the checkpoint is 2001 now.
    const rest = Array.from({ length: 2_000 }, (_, index) => frame('agent:a', 'output', index + 2))
    await it.pages[1]?.answer(rest.slice(0, 1_000), 1_001, true)
    await it.pages[2]?.answer(rest.slice(1_000), 2_001, true)
    expect(since.ids).toEqual(Array.from({ length: 2_500 }, (_, index) => at(index + 1)))
    expect(it.pages).toHaveLength(3)
  })

  test('[CR3] the first frames of an event are not lost when the queue is dropped', async () => {
    const it = setUp()
    const since = new Collector()
    it.subscribe({ channels: ['agent:a'], since: at(0) }, since)
    it.stream.covered(covering('agent:a'), at(1))
    await settled()
    for (let seq = 2; seq <= 2_000; seq++) it.stream.frame(frame('agent:a', 'output', seq), true)
    it.stream.frame(frame('agent:a', 'one', 2_001), false)
    it.stream.frame(frame('agent:a', 'other', 2_001), true)
    it.stream.frame(frame('agent:a', 'output', 2_002), true)
    const all = Array.from({ length: 2_000 }, (_, index) => frame('agent:a', 'output', index + 1))
    await it.pages[0]?.answer(
      [...all, frame('agent:a', 'one', 2_001), frame('agent:a', 'other', 2_001), frame('agent:a', 'output', 2_002)],
      2_002,
    )
    expect(since.received.slice(2_000)).toEqual([
      `output#${at(2_000)}`,
      `one#${at(2_001)}`,
      `other#${at(2_001)}`,
      `output#${at(2_002)}`,
    ])
  })

  test('[CR3] a cursor ahead of the stream is checked, and nothing before it is delivered', async () => {
    const it = setUp()
    const since = new Collector()
    it.subscribe({ channels: ['agent:a'], since: at(5) }, since)
    it.stream.covered(covering('agent:a'), at(3))
    await settled()
    it.stream.frame(frame('agent:a', 'output', 4), true)
    await it.pages[0]?.answer([frame('agent:a', 'output', 6)], 6)
    it.stream.frame(frame('agent:a', 'output', 6), true)
    expect(since.received).toEqual([`ready ${at(5)}`, `output#${at(6)}`])
  })

  test('[CR4] a reader that joins later begins where the stream is', async () => {
    const it = setUp()
    const first = await reading(it, 'agent:a')
    it.stream.covered(covering('agent:a'), at(1))
    it.stream.frame(frame('agent:a', 'output', 2), true)
    const second = await reading(it, 'agent:a')
    it.stream.checkpoint(at(5))
    const third = await reading(it, 'agent:a')
    it.stream.frame(frame('agent:a', 'output', 6), true)
    expect(first.ids).toEqual([at(2), at(6)])
    expect(second.received).toEqual([`ready ${at(2)}`, `output#${at(6)}`])
    expect(third.received).toEqual([`ready ${at(5)}`, `output#${at(6)}`])
  })

  test('[CR4] a reader after all others have left begins from now', async () => {
    const clock = new FakeClock()
    const transport = new FakeTransport()
    const readPages: unknown[] = []
    const stream = new SharedStream({
      clock,
      isAccepted: () => true,
      onCatchingUp: () => undefined,
      readPage: async (query) => {
        readPages.push(query)
        throw new Error('not expected')
      },
    })
    const connection = fakeConnection({ transport, clock, listener: stream })
    stream.attach(connection)
    const [first, soon, late] = [new Collector(), new Collector(), new Collector()]
    const leave = stream.subscribe(select({ channels: ['agent:a'] }), first)
    await clock.pass(0)
    transport.stream.hello({ seq: 1 })
    leave()
    await clock.pass(4_000)
    transport.stream.frame('agent:a', 'output', {}, { seq: 2 })
    const leaveSoon = stream.subscribe(select({ channels: ['agent:a'] }), soon)
    await clock.pass(4_000)
    leaveSoon()
    await clock.pass(5_000)
    expect(transport.stream.isClosed).toBe(true)
    stream.subscribe(select({ channels: ['agent:a'] }), late)
    await clock.pass(0)
    transport.stream.hello({ seq: 50 })
    transport.stream.frame('agent:a', 'output', {}, { seq: 51 })
    expect(soon.received).toEqual([`ready ${at(2)}`])
    expect(late.received).toEqual([`ready ${at(50)}`, `output#${at(51)}`])
    expect(readPages).toEqual([])
    connection.close()
  })

  test('[CR3] an event of several frames that was cut off comes once, though the stream repeats it', async () => {
    const it = setUp()
    const reader = await reading(it, 'global', 'agent:a')
    it.stream.covered(covering('global', 'agent:a'), at(1))
    it.stream.frame(frame('agent:a', 'output', 2), false)
    it.stream.covered(covering('global', 'agent:a'), at(1))
    it.stream.frame(frame('agent:a', 'output', 2), false)
    it.stream.frame(frame('global', 'agent.output', 2), true)
    it.stream.frame(frame('agent:a', 'output', 3), true)
    expect(reader.received.slice(1)).toEqual([`output#${at(2)}`, `agent.output#${at(2)}`, `output#${at(3)}`])
  })

  test('[CA5] a page that is refused for the credentials is read again after a minute, or when the stream opens', async () => {
    const it = setUp()
    const reader = new Collector()
    it.subscribe({ channels: ['agent:a'], since: at(1) }, reader)
    it.stream.covered(covering('agent:a'), at(5))
    await settled()
    await it.pages[0]?.refuse(401)
    await it.clock.pass(59_000)
    expect(it.pages).toHaveLength(1)
    await it.clock.pass(2_000)
    expect(it.pages).toHaveLength(2)
    await it.pages[1]?.refuse(401)
    it.stream.covered(covering('agent:a'), at(6))
    await settled()
    expect(it.pages).toHaveLength(3)
    await it.pages[2]?.answer([frame('agent:a', 'output', 3)], 6)
    expect([reader.ids, reader.errors]).toEqual([[at(3)], []])
    // The wait of before is over.
    await it.clock.pass(120_000)
    expect(it.pages).toHaveLength(3)
  })

  test('[CR3] if the stream starts later than the reader’s cursor, pages fill the difference', async () => {
    const it = setUp()
    const reader = await reading(it, 'agent:a')
    it.stream.covered(covering('agent:a'), at(1))
    it.stream.frame(frame('agent:a', 'output', 2), true)
    it.stream.covered(covering(), at(2))
    it.stream.covered(covering('agent:a'), at(8))
    await settled()
    expect(it.pages[0]?.query.get('after')).toBe(at(2))
    it.stream.frame(frame('agent:a', 'output', 9), true)
    await it.pages[0]?.answer([frame('agent:a', 'output', 5)], 8)
    expect(reader.received).toEqual([`ready ${at(1)}`, ...[2, 5, 9].map((seq) => `output#${at(seq)}`)])
  })

  test('[CR9] joined lines that were partly delivered are read one by one', async () => {
    const it = setUp()
    const ahead = new Collector()
    const beside = await reading(it, 'agent:a')
    it.subscribe({ channels: ['agent:a'], since: at(5) }, ahead)
    it.stream.covered(covering('agent:a'), at(3))
    await settled()
    await it.pages[0]?.answer([], 5)
    // Lines 4 to 7 in one frame.
    it.stream.frame(frame('agent:a', 'output_batch', 7, { lines: ['4', '5', '6', '7'] }), true)
    await settled()
    it.stream.frame(frame('agent:a', 'output_batch', 8, { lines: ['8'] }), true)
    await it.pages[1]?.answer(
      [frame('agent:a', 'output_batch', 6, { lines: ['6'] }), frame('agent:a', 'output_batch', 7, { lines: ['7'] })],
      7,
    )
    const lines = (collector: Collector) => collector.frames.flatMap(({ data }) => (data as { lines: string[] }).lines)
    expect(lines(ahead)).toEqual(['6', '7', '8'])
    expect(lines(beside)).toEqual(['4', '5', '6', '7', '8'])
  })
})

describe('gaps and errors', () => {
  test('[CR5] a gap, then ready again', async () => {
    const it = setUp()
    const reader = await reading(it, 'agent:a')
    it.stream.covered(covering('agent:a'), at(1))
    it.stream.gap({ requested: at(1), oldest: at(50), reason: 'trimmed' })
    it.stream.covered(covering('agent:a'), at(60))
    it.stream.frame(frame('agent:a', 'output', 61), true)
    expect(reader.received).toEqual([`ready ${at(1)}`, 'gap trimmed', `ready ${at(60)}`, `output#${at(61)}`])
  })

  test('[CR6] errors of a handler go to its own error handler, and other readers are not affected', async () => {
    const it = setUp()
    const errors: string[] = []
    it.subscribe(
      { channels: ['agent:a'] },
      {
        event: () => {
          throw new Error('oops')
        },
        error: (error) => errors.push(error.message),
      },
    )
    const other = await reading(it, 'agent:a')
    it.stream.covered(covering('agent:a'), at(1))
    it.stream.frame(frame('agent:a', 'output', 2), true)
    it.stream.frame(frame('agent:a', 'output', 3), true)
    expect(errors).toEqual(['oops', 'oops'])
    expect(other.ids).toEqual([at(2), at(3)])
  })

  test('[CR6] a reader removed during a notification gets nothing more, and an added one gets what follows', async () => {
    const it = setUp()
    const received: string[] = []
    const late = new Collector()
    const undo = it.subscribe(
      { channels: ['agent:a'] },
      {
        event: ({ id }) => {
          received.push(`first ${id}`)
          undo()
          undo()
          undoSecond()
          it.subscribe({ channels: ['agent:a'] }, late)
        },
      },
    )
    const undoSecond = it.subscribe({ channels: ['agent:a'] }, { event: ({ id }) => received.push(`second ${id}`) })
    await settled()
    it.stream.covered(covering('agent:a'), at(1))
    it.stream.frame(frame('agent:a', 'output', 2), true)
    await settled()
    it.stream.frame(frame('agent:a', 'output', 3), true)
    expect(received).toEqual([`first ${at(2)}`])
    expect(late.received).toEqual([`ready ${at(2)}`, `output#${at(3)}`])
  })

  test('[CR8] an invalid channel is refused by the call', () => {
    const it = setUp()
    for (const channels of [
      ['bord:demo'],
      [''],
      [],
      ['board:demo;full'],
      Array.from({ length: 101 }, (_, n) => `agent:${n}`),
    ]) {
      expect(() => it.subscribe({ channels }, {})).toThrow(expect.objectContaining({ code: 'misuse' }))
    }
    expect(it.wanted).toEqual([])
    it.subscribe({ channels: ['board:demo;diff', 'card:1', 'agents/a', '*'] }, {})
    expect(it.wanted).toEqual(['board:demo', 'issue:1', 'agent:a', 'global'])
  })
})
