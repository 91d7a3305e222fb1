/** The tail alone, whose reads end when the test says: what the stores of the contract suite meet by chance at most. */
import { expect, test } from 'vitest'
import { LogEvent } from '../../src/db/log-event.ts'
import { type Stretch, Tail } from '../../src/db/tail.ts'

function eventsOf(...seqs: number[]): LogEvent[] {
  return seqs.map((seq) => new LogEvent({ seq, type: 'board.updated', at: 0, data: '{}', skip: 1 }))
}

/** A stretch of a log that holds 1 to `newest`. */
function stretch(after: number, reached: number, newest: number): Stretch {
  return {
    events: eventsOf(...Array.from({ length: reached - after }, (_, n) => after + n + 1)),
    reached,
    oldest: 0,
    newest,
  }
}

function setUp() {
  const published: number[] = []
  const reads: Array<{ after: number; withEvents: boolean; answer(given: Stretch): void }> = []
  const watch = { isWatched: true, passedOver: 0 }
  const tail = new Tail({
    head: 0,
    publish: (events) => published.push(...events.map(({ seq }) => seq)),
    read: (after, withEvents) => new Promise((answer) => reads.push({ after, withEvents, answer })),
    isWatched: () => watch.isWatched,
    onPassedOver: () => {
      watch.passedOver += 1
    },
    onLost: () => expect.unreachable(),
    onError: (error) => expect.unreachable(String(error)),
  })
  return { tail, published, reads, watch }
}

const turn = () => new Promise(setImmediate)

test('[PO12] own COMMITs during a read are published at once, and not again with what was read', async () => {
  const { tail, published, reads } = setUp()
  const reached = tail.reach(3)
  expect(tail.committed(0, eventsOf(1, 2), [])).toBe(undefined)
  expect(published).toEqual([1, 2])
  reads[0]?.answer(stretch(0, 3, 3))
  await reached
  expect([published, reads.length]).toEqual([[1, 2, 3], 1])
})

test('[PO12] an own COMMIT after events that are still being read waits for them', async () => {
  const { tail, published, reads } = setUp()
  tail.ring(2)
  const publication = tail.committed(2, eventsOf(3), [])
  expect(published).toEqual([])
  reads[0]?.answer(stretch(0, 2, 2))
  await turn()
  expect([published, reads[1]?.after]).toEqual([[1, 2], 2])
  reads[1]?.answer(stretch(2, 3, 3))
  await publication
  expect(published).toEqual([1, 2, 3])
})

test('[PO12] what is asked for during a read is read afterwards, in one more read for all', async () => {
  const { tail, published, reads } = setUp()
  const first = tail.reach(1)
  const later = [tail.reach(2), tail.reach(4)]
  tail.ring(4)
  expect(reads).toHaveLength(1)
  reads[0]?.answer(stretch(0, 1, 1))
  await turn()
  expect(reads).toHaveLength(2)
  reads[1]?.answer(stretch(1, 3, 4))
  await turn()
  reads[2]?.answer(stretch(3, 4, 4))
  await Promise.all([first, ...later])
  expect([published, reads.length, tail.head]).toEqual([[1, 2, 3, 4], 3, 4])
})

test('[PO6] a head that the log no longer holds is storage_unavailable', async () => {
  const { tail, reads } = setUp()
  const reached = tail.reach(5)
  reads[0]?.answer(stretch(0, 2, 2))
  await expect(reached).rejects.toMatchObject({ code: 'storage_unavailable' })
})

test('[PO24] events of others are passed over while nobody is watching', async () => {
  const { tail, published, reads, watch } = setUp()
  watch.isWatched = false
  const reached = tail.reach(3)
  reads[0]?.answer({ ...stretch(0, 0, 3), reached: 3 })
  await reached
  expect([tail.head, published, watch.passedOver]).toEqual([3, [], 1])
  expect(reads.map(({ withEvents }) => withEvents)).toEqual([false])
  expect(tail.committed(3, eventsOf(4), [])).toBe(undefined)
  expect(published).toEqual([4])
})

test('[PO24] who comes while the head is read gets the events after it', async () => {
  const { tail, published, reads, watch } = setUp()
  watch.isWatched = false
  const reached = tail.reach(3)
  watch.isWatched = true
  reads[0]?.answer({ ...stretch(0, 0, 3), reached: 3 })
  await turn()
  expect([tail.head, published]).toEqual([0, []])
  reads[1]?.answer(stretch(0, 3, 3))
  await reached
  expect([tail.head, published, watch.passedOver]).toEqual([3, [1, 2, 3], 0])
})
