// RUN3  Every line reaches the server once, in the order in which it was written, one request at a time.
// RUN4  A request holds at most 1,000 lines and stays well under the body limit, whatever the lines are.
// RUN5  Buffered lines are bounded: a full shipper reports it, and calls back when it has room.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLogShipper, type LogLine } from '../../src/cli/run/log-shipper.ts'

const anyMessage = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.integer({ min: 1, max: 400 }).map((length) => '\u0000'.repeat(length)),
)

test('[RUN3] [RUN4] nothing is lost, order is kept, bounds hold, one request at a time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anyMessage, { maxLength: 30 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 300, max: 4_000 }),
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 8 }),
      async (bursts, maxBatchLines, maxBatchBytes, turns) => {
        const server = slowServer(turns)
        const shipper = createLogShipper({ post: server.post, gatherMs: 0, maxBatchLines, maxBatchBytes })
        for (const burst of bursts) {
          for (const message of burst) shipper.push(lineOf(message))
          await turn()
        }
        await shipper.finish()

        expect(server.messages()).toEqual(bursts.flat())
        expect(server.mostAtOnce()).toBeLessThanOrEqual(1)
        for (const { lines, bytes } of server.requests()) {
          expect(lines).toBeLessThanOrEqual(maxBatchLines)
          if (lines > 1) expect(bytes).toBeLessThanOrEqual(maxBatchBytes + '{"lines":[]}'.length)
        }
        expect(shipper.counts()).toEqual({ acknowledged: bursts.flat().length, refused: 0, waiting: 0 })
      },
    ),
  )
})

test('[RUN4] requests with the largest lines stay far below 1 MiB; the smallest lines go by the thousand', async () => {
  const server = slowServer([1])
  const shipper = createLogShipper({ post: server.post })
  for (let count = 0; count < 20; count += 1) shipper.push(lineOf('\u0000'.repeat(65_536)))
  for (let count = 0; count < 5_000; count += 1) shipper.push(lineOf(''))
  await shipper.finish()

  expect(Math.max(...server.requests().map(({ bytes }) => bytes))).toBeLessThan(600 * 1024)
  expect(Math.max(...server.requests().map(({ lines }) => lines))).toBe(1_000)
})

test('[RUN5] is full at the limit, has room again below it, and still accepts lines that were already read', async () => {
  const posts: (() => void)[] = []
  let rooms = 0
  const shipper = createLogShipper({
    post: () => new Promise((resolve) => posts.push(() => resolve(true))),
    onRoom: () => {
      rooms += 1
    },
    maxBatchLines: 1,
    maxHeldBytes: 500,
  })
  let pushed = 0
  while (!shipper.isFull()) {
    shipper.push(lineOf('x'.repeat(100)))
    pushed += 1
  }
  shipper.push(lineOf('read already'))
  expect(pushed).toBeGreaterThan(1)
  expect(rooms).toBe(0)

  const finished = shipper.finish()
  while (shipper.counts().waiting > 0) {
    posts.shift()?.()
    await turn()
  }
  await finished
  expect(rooms).toBe(1)
  expect(shipper.counts()).toEqual({ acknowledged: pushed + 1, refused: 0, waiting: 0 })
})

test('[RUN3] counts a refused batch and still sends the lines after it', async () => {
  let requests = 0
  const shipper = createLogShipper({
    maxBatchLines: 2,
    async post() {
      requests += 1
      if (requests === 2) throw new Error('lost on the way')
      return requests !== 1
    },
  })
  for (const message of ['a', 'b', 'c', 'd', 'e']) shipper.push(lineOf(message))
  await shipper.finish()
  expect(shipper.counts()).toEqual({ acknowledged: 1, refused: 4, waiting: 0 })
})

function lineOf(message: string): LogLine {
  return { level: 'info', message, ts: '2025-01-01T00:00:00.000Z', stream: 'stdout' }
}

/** Answers each request after some turns of the event loop, and records everything. */
function slowServer(turns: readonly number[]) {
  const bodies: string[] = []
  let open = 0
  let most = 0
  return {
    async post(json: string): Promise<boolean> {
      open += 1
      most = Math.max(most, open)
      for (let left = turns[bodies.length % turns.length] ?? 0; left > 0; left -= 1) await turn()
      bodies.push(json)
      open -= 1
      return true
    },
    mostAtOnce: () => most,
    requests: () => bodies.map((body) => ({ lines: linesOf(body).length, bytes: Buffer.byteLength(body) })),
    messages: () => bodies.flatMap((body) => linesOf(body).map((line) => line.message)),
  }
}

function linesOf(body: string): LogLine[] {
  return JSON.parse(body).lines
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
