/**
 * A real program that prints a lot, run as users run it, with many listeners.
 *
 *   FD3  Everything that a program prints under `boardcast run` reaches every listener, each line once and in order: on the
 *        agent, on the board and on global, compressed or not. Reading it back gives the same.
 *   FD4  A listener that stops reading for a while misses nothing, and delays no other listener.
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

/** Ten listeners: on the agent's output, on the board, and on everything. */
const PATHS = [
  ...Array<string>(4).fill(`/events/${AGENT}`),
  ...Array<string>(3).fill('/sse?channels=board:demo&types=attempt_log'),
  ...Array<string>(3).fill('/sse?channels=global&types=attempt.log.appended'),
]

/** Keeps only the first line that is out of sequence. */
class Watcher {
  count = 0
  fault: string | null = null
  readonly isOpen: Promise<void>
  /** All lines of the program have arrived. */
  readonly isDone: Promise<void>
  /** The line that was posted after it has arrived too. */
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

test(`[FD3] [FD4] ${LINES} lines of a program reach ten listeners, each once and in order`, {
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

  // Anything delivered twice would arrive before the line that is posted afterwards.
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
