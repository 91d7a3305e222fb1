import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { parseChannel } from '../../shared/src/channels.ts'
import { parseTypeFilter } from '../../shared/src/type-filter.ts'
import { LogEvent } from '../../src/db/log-event.ts'
import { Snapshot } from '../../src/db/snapshot.ts'
import { snapshotSources } from '../../src/server/snapshot-sources.ts'
import { Bus } from '../../src/sse/bus.ts'
import type { Segment } from '../../src/sse/delivery/audience.ts'
import { Selection } from '../../src/sse/delivery/selection.ts'
import { type SnapshotSources, textRendering } from '../../src/sse/delivery/snapshot-source.ts'
import { Snapshots } from '../../src/sse/delivery/snapshots.ts'
import { sseFraming } from '../../src/sse/wire/frames.ts'

const framing = sseFraming({ chunked: false, gzip: false, envelope: false })
const ERRORS = { count: 0 }
/** Changes what the dashboard shows. */
const CHANGE = new LogEvent({ seq: 7, type: 'agent.connected', at: 0, data: '{}', skip: 1 })

/**
 * A listener of one channel, over an empty store, and a source that counts how often it is rendered. With
 * `heldReads`, reads resolve when the test takes them from there and calls them.
 */
function setUp(source: Partial<SnapshotSources[keyof SnapshotSources]> = {}, heldReads?: Array<() => void>) {
  const bus = new Bus(
    7,
    (seq) => `e-${seq}`,
    () => (ERRORS.count += 1),
  )
  let rendered = 0
  const sources = {
    dashboard: {
      ...snapshotSources.dashboard,
      ...source,
      render: async () => textRendering(JSON.stringify({ rendered: ++rendered })),
    },
  } as SnapshotSources
  const store = {
    async read(work: (snapshot: Snapshot) => Promise<unknown>) {
      const value = await work(new Snapshot(undefined as never, 'e', { oldest: 0, newest: bus.head }))
      if (heldReads) await new Promise<void>((resolve) => heldReads.push(resolve))
      return value
    },
  }
  const snapshots = new Snapshots(store as never, bus, sources, () => (ERRORS.count += 1))
  const got: string[] = []
  const member = { offer: ({ frames }: Segment) => void got.push(...frames.map(({ text }) => text)) }
  const channel = parseChannel('dashboard')
  const selection = new Selection(channel ? [{ ...channel, view: 'full' }] : [], parseTypeFilter(undefined))
  function listen(): () => void {
    const { audience, leave } = bus.subscribe(selection, framing)
    audience.join(member)
    return () => {
      audience.leave(member)
      leave()
    }
  }
  function publish(): void {
    const event = new LogEvent({ ...CHANGE, seq: bus.head + 1 })
    bus.publish([event], event.seq)
    snapshots.published([event])
  }
  return { bus, snapshots, got, listen, publish, renderings: () => rendered }
}

describe('snapshots', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('[Y9] [I5] are sent every 30 s while there are listeners, with the id reached', async () => {
    const { snapshots, got, listen, renderings } = setUp()
    await vi.advanceTimersByTimeAsync(90_000)
    expect(renderings()).toBe(0)
    const leave = listen()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(got).toEqual([1, 2].map((n) => `event: dashboard_overview\ndata: {"rendered":${n}}\nid: e-7\n\n`))
    leave()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(renderings()).toBe(2)
    snapshots.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('[Y9] are sent at once, then at most every 150 ms, and the last change is never lost', async () => {
    const { snapshots, got, listen } = setUp()
    listen()
    const at: Array<[number, number]> = []
    for (let ms = 0; ms < 1_000; ms += 10) {
      if (ms < 500) snapshots.published([CHANGE])
      await vi.advanceTimersByTimeAsync(ms === 0 ? 0 : 10)
      if (got.length > (at.at(-1)?.[1] ?? 0)) at.push([ms, got.length])
    }
    expect(at).toEqual([
      [0, 1],
      [150, 2],
      [300, 3],
      [450, 4],
      [600, 5],
    ])
    snapshots.stop()
    expect(ERRORS.count).toBe(0)
  })

  it('[Y9] are rendered again after a failure', async () => {
    const { snapshots, got, listen } = setUp()
    listen()
    ERRORS.count = 0
    const failing = vi.spyOn(JSON, 'stringify').mockImplementationOnce(() => {
      throw new Error('no')
    })
    snapshots.published([CHANGE])
    await vi.advanceTimersByTimeAsync(0)
    failing.mockRestore()
    expect(got).toEqual([])
    expect(ERRORS.count).toBe(1)
    await vi.advanceTimersByTimeAsync(150)
    expect(got).toHaveLength(1)
    snapshots.stop()
  })

  it('[Y9] that are overtaken three times in a row are sent, with the id reached, and the next one follows', async () => {
    const reads: Array<() => void> = []
    const { snapshots, got, listen, publish, renderings } = setUp({}, reads)
    listen()
    publish()
    for (let read = 1; read <= 3; read++) {
      await vi.advanceTimersByTimeAsync(1)
      expect([reads.length, renderings(), got]).toEqual([1, read, []])
      publish()
      reads.shift()?.()
    }
    await vi.advanceTimersByTimeAsync(1)
    expect(got).toEqual(['event: dashboard_overview\ndata: {"rendered":3}\nid: e-11\n\n'])
    await vi.advanceTimersByTimeAsync(150)
    reads.shift()?.()
    await vi.advanceTimersByTimeAsync(1_000)
    expect(got.slice(1)).toEqual(['event: dashboard_overview\ndata: {"rendered":4}\nid: e-11\n\n'])
    snapshots.stop()
  })

  it('[U9] that must be exact and are overtaken wait for the next interval', async () => {
    const reads: Array<() => void> = []
    const { snapshots, got, listen, publish } = setUp({ hasDiffView: true }, reads)
    listen()
    publish()
    for (let read = 1; read <= 3; read++) {
      await vi.advanceTimersByTimeAsync(1)
      publish()
      reads.shift()?.()
    }
    await vi.advanceTimersByTimeAsync(1)
    expect([reads.length, got]).toEqual([0, []])
    await vi.advanceTimersByTimeAsync(150)
    reads.shift()?.()
    await vi.advanceTimersByTimeAsync(1)
    expect(got).toEqual(['event: dashboard_overview\ndata: {"rendered":4}\nid: e-11\n\n'])
    snapshots.stop()
  })

  it('[Y9] that an event of something else came after are sent at once, with the id reached', async () => {
    const reads: Array<() => void> = []
    const { bus, snapshots, got, listen, publish } = setUp({}, reads)
    listen()
    publish()
    await vi.advanceTimersByTimeAsync(1)
    const other = new LogEvent({ seq: bus.head + 1, type: 'message.read', at: 0, data: '{}', skip: 1 })
    bus.publish([other], other.seq)
    snapshots.published([other])
    reads.shift()?.()
    await vi.advanceTimersByTimeAsync(1)
    expect(got).toEqual(['event: dashboard_overview\ndata: {"rendered":1}\nid: e-9\n\n'])
    snapshots.stop()
  })
})
