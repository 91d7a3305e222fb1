/**
 * A real program that prints much, run as users run it and watched by many.
 *
 *   FD3  What a program prints under `boardcast run` comes to every listener whole, line by line in order, each once: on
 *        the agent, on the board, on global, compressed or not; and so it is read back.
 *   FD4  A listener that stops reading meanwhile misses nothing of it, and holds nobody up.
 */
import { expect, test } from 'vitest'
import { createApiClient } from '../support/api.ts'
import { ChildServer } from '../support/child-server.ts'
import { gate } from '../support/gate.ts'
import { printedIn } from '../support/printers.ts'
import { runProgram } from '../support/program.ts'
import { Tail } from '../support/tail.ts'

const LINES = 20_000
const AGENT = 'flood-bot'
/** Numbered, 64 bytes and a line break. */
const PROGRAM = `for (let n = 0; n < ${LINES}; n++) process.stdout.write((n + ' ').padEnd(64, 'x') + '\\n')`

function lineOf(number: number): string {
  return `${number} `.padEnd(64, 'x')
}

/** Ten listeners: the agent's output alone, what happens on the board, and everything. */
const PATHS = [
  ...Array<string>(4).fill(`/events/${AGENT}`),
  ...Array<string>(3).fill('/sse?channels=board:demo&types=attempt_log'),
  ...Array<string>(3).fill('/sse?channels=global&types=attempt.log.appended'),
]

/** Keeps nothing but the first line that is not the next one. */
class Watcher {
  count = 0
  fault: string | null = null
  readonly isOpen: Promise<void>
  /** All lines of the program came. */
  readonly isDone: Promise<void>
  /** ... and the one that was said after it. */
  readonly isOver: Promise<void>
  readonly tail: Tail

  constructor(url: string, path: string, gzip: boolean) {
    const [open, done, end] = [gate(), gate(), gate()]
    this.isOpen = open.promise
    this.isDone = done.promise
    this.isOver = end.promise
    this.tail = new Tail(url, path, {
      headers: gzip ? { 'Accept-Encoding': 'gzip' } : {},
      onFrame: ({ event, text }) => {
        if (event === 'hello') open.resolve()
        if (event === 'hello' || event === 'heartbeat') return
        const data = JSON.parse(text)
        for (const line of printedIn(path.startsWith('/events/') ? data : data.data)) {
          if (line !== lineOf(this.count)) {
            this.fault ??= `${line} after ${this.count} lines`
            this.tail.cut()
          }
          this.count += 1
        }
        if (this.count >= LINES) done.resolve()
        if (this.count > LINES) end.resolve()
      },
    })
    void this.tail.closed.then(() => {
      this.fault ??= this.tail.fault?.message ?? (this.count <= LINES ? 'the connection ended' : null)
      done.resolve()
      end.resolve()
    })
  }
}

test(`[FD3] [FD4] ${LINES} lines of a program come to ten listeners, each once and in order`, {
  timeout: 120_000,
}, async () => {
  await using server = await ChildServer.start()
  using api = createApiClient(server.url)
  await api.call('POST', '/boards', { id: 'demo', name: 'Demo' })
  const watchers = PATHS.map((path, index) => new Watcher(server.url, path, index % 2 === 1))
  await Promise.all(watchers.map(({ isOpen }) => isOpen))
  // One of each kind reads nothing until the program has ended.
  const stalled = [0, 4, 7].map((index) => watchers[index]!)
  const healthy = watchers.filter((watcher) => !stalled.includes(watcher))
  for (const { tail } of stalled) tail.socket.pause()

  const target = ['--url', server.url, '--board', 'demo', '--title', 'Flood', '--agent', AGENT, '--quiet']
  await using program = runProgram(['run', ...target, '--', process.execPath, '-e', PROGRAM], {})
  expect(await program.ended).toBe(0)
  await Promise.all(healthy.map(({ isDone }) => isDone))
  for (const { tail } of stalled) tail.socket.resume()
  await Promise.all(stalled.map(({ isDone }) => isDone))

  // Had anything come twice, it would be before what is said afterwards.
  const { state } = await api.get('/boards/demo')
  const [card] = Object.values<{ attempt: { id: string } }>(state.cards)
  await api.call('POST', `/attempts/${card?.attempt.id}/logs`, { message: lineOf(LINES) })
  await Promise.all(watchers.map(({ isOver }) => isOver))
  expect(watchers.map(({ count, fault }) => [count, fault])).toEqual(watchers.map(() => [LINES + 1, null]))
  for (const { tail } of watchers) tail.cut()

  let read = 0
  for (let after = '', more = true; more; ) {
    const page = await api.get(`/agents/${AGENT}/output?limit=1000${after}`)
    for (const { lines } of page.items) expect(lines).toEqual([lineOf(read++)])
    after = `&after=${page.cursor}`
    more = page.more
  }
  expect(read).toBe(LINES + 1)
})
