/** Much output at once: complete, in order, once. Rules FD1 and FD2. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { positionOf } from '../support/board.ts'
import { BATCH_PRINTERS, printedIn } from '../support/printers.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type Listener, listen } from '../support/stream.ts'

const POSTS = 5

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

/** A thousand texts of 64 bytes, no two alike. */
const batch = (number: number) => Array.from({ length: 1_000 }, (_, n) => `${number * 1_000 + n} `.padEnd(64, 'x'))
const printed = (listener: Listener) => listener.frames.flatMap(({ data }) => printedIn(data.data))

describe.each(Object.entries(BATCH_PRINTERS))('%s', (_, prepare) => {
  it('[FD1] accepts 1,000 lines at a time, which arrive complete and in order on every stream', async () => {
    const printer = await prepare(server)
    const paths = printer.channels.map((channel) => `/sse?channels=${channel}`)
    // Three streams of each kind, one of them compressed.
    const listeners = await Promise.all(
      [...paths, ...paths, ...paths].map((path, index) =>
        listen(server.url, path, index < paths.length ? { headers: { 'Accept-Encoding': 'gzip' } } : {}),
      ),
    )
    let last = ''
    for (let number = 0; number < POSTS; number++) {
      const reply = await printer.post(batch(number))
      expect([reply.status, reply.body]).toEqual([202, { count: 1_000 }])
      last = reply.headers.get('Event-Id') ?? ''
    }
    const expected = Array.from({ length: POSTS }, (_, number) => batch(number)).flat()
    for (const listener of listeners) {
      await listener.id(last)
      expect(printed(listener)).toEqual(expected)
      const ids = listener.frames.flatMap(({ id }) => (id === undefined ? [] : [positionOf(id)]))
      expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b))
      listener.close()
    }
  })

  it('[FD2] accepts many batches at once: each arrives complete, and all streams have the same order', async () => {
    const printer = await prepare(server)
    const [channel = '', ...more] = printer.channels
    const paths = [channel, channel, ...more].map((name) => `/sse?channels=${name}`)
    const listeners = await Promise.all(paths.map((path) => listen(server.url, path)))
    const replies = await Promise.all(Array.from({ length: POSTS }, (_, number) => printer.post(batch(number))))
    expect(replies.map(({ status }) => status)).toEqual(Array(POSTS).fill(202))
    const positions = replies.map(({ headers }) => positionOf(headers.get('Event-Id') ?? ''))
    const order = [...positions.keys()].sort((a, b) => positions[a]! - positions[b]!)
    const expected = order.flatMap(batch)
    for (const listener of listeners) {
      await listener.until('all of it', () => printed(listener).length >= expected.length)
      expect(printed(listener)).toEqual(expected)
      listener.close()
    }
  })
})
