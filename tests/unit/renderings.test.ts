/** Renderings over a store whose reads end when the test says so, and a head that it moves. */
import { expect, test } from 'vitest'
import { parseChannel } from '../../shared/src/channels.ts'
import { ChannelPatterns } from '../../src/base/channel-patterns.ts'
import { LogEvent } from '../../src/db/log-event.ts'
import { Renderings, type Wanted } from '../../src/sse/delivery/renderings.ts'
import type { Rendering } from '../../src/sse/delivery/snapshot-source.ts'

interface Options {
  readonly applies?: boolean
  readonly maxAgeMs?: number
  readonly maxBytes?: number
}

/** What is rendered is the sequence number that it is of, then that of every event that it applied. */
function setUp({ applies = true, maxAgeMs = Infinity, maxBytes }: Options = {}) {
  const reads: Array<() => void> = []
  const followed = new Set<string>()
  const at = { head: 5, renders: 0 }
  const store = {
    async read<T>(work: (snapshot: { sql: unknown; head: number }) => Promise<T>): Promise<T> {
      const { head } = at
      await new Promise<void>((resolve) => reads.push(resolve))
      return work({ sql: head, head })
    },
  }
  const renderings = new Renderings({
    store: store as never,
    head: () => at.head,
    isFollowed: (channel) => followed.has(channel),
    ...(maxBytes !== undefined && { maxBytes }),
  })
  const source = {
    event: 'state',
    minIntervalMs: 0,
    hasDiffView: true,
    maxAgeMs,
    async render(seq: unknown): Promise<Rendering> {
      at.renders += 1
      let text = `${seq}`
      const apply = (event: LogEvent) => {
        text += `+${event.seq}`
        return true
      }
      return {
        get text() {
          return text
        },
        bytes: 10,
        ...(applies && { apply }),
      }
    },
  }
  function wanted(name: string): Wanted {
    const channel = parseChannel(name)
    if (!channel) throw new Error(name)
    return { channel, source, sees: ChannelPatterns.all }
  }
  function publish(channel: string): void {
    at.head += 1
    renderings.changed(channel, new LogEvent({ seq: at.head, type: 'card.updated', at: 0, data: '{}', skip: 1 }))
  }
  async function read(...names: string[]) {
    const reading = renderings.read(names.map(wanted), async () => null)
    reads.shift()?.()
    return (await reading).rendered
  }
  return { at, renderings, followed, reads, wanted, publish, read }
}

test('[U9] events that are published while a rendering is read are applied to it, and those of other channels are not', async () => {
  const { renderings, reads, wanted, publish, followed } = setUp()
  followed.add('board:a')
  const reading = renderings.read([wanted('board:a')], async () => null)
  publish('board:a')
  publish('board:b')
  publish('board:a')
  reads.shift()?.()
  const { seq, head, rendered } = await reading
  expect([seq, head, rendered[0]?.text, rendered[0]?.latest]).toEqual([5, 8, '5', '5+6+8'])
  publish('board:a')
  expect(renderings.current(wanted('board:a'))).toBe('5+6+8+9')
})

test('[U9] an event after the read overtakes a rendering that cannot apply it, and nothing of it is kept', async () => {
  const { renderings, reads, wanted, publish } = setUp({ applies: false })
  const reading = renderings.read([wanted('board:a')], async () => null)
  publish('board:a')
  reads.shift()?.()
  const { rendered } = await reading
  expect([rendered[0]?.text, rendered[0]?.latest]).toEqual(['5', undefined])
  expect(renderings.current(wanted('board:a'))).toBeUndefined()
})

test('[U9] a read that is not at the head leaves what is kept alone', async () => {
  const { at, renderings, reads, wanted, publish, followed, read } = setUp()
  followed.add('board:a')
  await read('board:a')
  const reading = renderings.read([wanted('board:a')], async () => null)
  publish('board:a')
  reads.shift()?.()
  const { rendered } = await reading
  // Rendered anew, as what is kept is of a later moment than the read.
  expect([at.renders, rendered[0]?.text, rendered[0]?.latest]).toEqual([2, '5', '5+6'])
})

test('[Y14] without a follower only the text is kept, until the next change', async () => {
  const { renderings, wanted, publish, read, followed } = setUp()
  await read('board:a')
  expect(renderings.current(wanted('board:a'))).toBe('5')
  publish('board:a')
  expect(renderings.current(wanted('board:a'))).toBeUndefined()

  followed.add('board:a')
  await read('board:a')
  publish('board:a')
  expect(renderings.current(wanted('board:a'))).toBe('6+7')
  followed.clear()
  renderings.trim()
  publish('board:a')
  expect(renderings.current(wanted('board:a'))).toBeUndefined()
})

test('[Y14] what is kept is bounded: those that have not changed for longest go first', async () => {
  const { renderings, wanted, publish, read, followed } = setUp({ maxBytes: 25 })
  const boards = ['board:a', 'board:b', 'board:c']
  for (const board of boards) followed.add(board)
  await read('board:a')
  await read('board:b')
  publish('board:a')
  await read('board:c')
  expect(boards.map((board) => renderings.current(wanted(board)))).toEqual(['5+6', undefined, '6'])
})

test('[Y14] one that is larger than the bound is rendered for each who wants it, and exact', async () => {
  const { renderings, wanted, reads, publish, followed } = setUp({ maxBytes: 5 })
  followed.add('board:a')
  const reading = renderings.read([wanted('board:a')], async () => null)
  publish('board:a')
  reads.shift()?.()
  expect((await reading).rendered[0]?.latest).toBe('5+6')
  expect(renderings.current(wanted('board:a'))).toBeUndefined()
})

test('[Y9] what time changes serves newcomers while nothing at all was committed', async () => {
  const { at, renderings, wanted, read } = setUp({ applies: false, maxAgeMs: 60_000 })
  await read('dashboard')
  expect(renderings.current(wanted('dashboard'))).toBe('5')
  at.head += 1
  expect(renderings.current(wanted('dashboard'))).toBeUndefined()
})
