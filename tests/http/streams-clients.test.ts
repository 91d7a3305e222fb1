/** Third-party clients: the npm package `eventsource`, which behaves like browsers, and curl. */
import { spawn } from 'node:child_process'
import { EventSource } from 'eventsource'
import { describe, expect, it } from 'vitest'
import { deleteBoard, makeBoard, makeCard } from '../support/board.ts'
import { startTestServer } from '../support/server.ts'

interface Heard {
  readonly id: string
  readonly event: string
  // biome-ignore lint/suspicious/noExplicitAny: payloads of every shape.
  readonly data: any
}

/** An EventSource that records its events, and can be awaited. */
class Browser implements Disposable {
  readonly source: EventSource
  readonly heard: Heard[] = []
  /** Statuses of failed requests, and undefined for connections that were lost. */
  readonly errors: Array<number | undefined> = []
  #waiting = new Set<() => void>()

  constructor(url: string, events: readonly string[]) {
    this.source = new EventSource(url)
    for (const event of events) {
      this.source.addEventListener(event, ({ data, lastEventId }) => {
        this.heard.push({ id: lastEventId, event, data: JSON.parse(data) })
        this.#wake()
      })
    }
    this.source.addEventListener('error', ({ code }) => {
      this.errors.push(code)
      this.#wake()
    })
  }

  until<T>(condition: () => T | undefined | false): Promise<T> {
    return new Promise((resolve) => {
      const check = () => {
        const value = condition()
        if (!value) return
        this.#waiting.delete(check)
        resolve(value)
      }
      this.#waiting.add(check)
      check()
    })
  }

  named(event: string): Heard[] {
    return this.heard.filter((heard) => heard.event === event)
  }

  [Symbol.dispose](): void {
    this.source.close()
  }

  #wake(): void {
    for (const check of [...this.#waiting]) check()
  }
}

describe('EventSource', () => {
  it('[R1] [R2] [E4] [R7] reconnects by itself after a restart and misses nothing', async () => {
    await using server = await startTestServer({ drainMs: 0 })
    const board = await makeBoard(server)
    using browser = new Browser(`${server.url}/sse?boardId=${board.id}&view=diff`, ['hello', 'state', 'card_created'])
    await browser.until(() => browser.named('state').length === 1)
    const first = await makeCard(server, board.id)
    await browser.until(() => browser.named('card_created').length === 1)
    await server.restart()
    const second = await makeCard(server, board.id)
    const third = await makeCard(server, board.id)
    await browser.until(() => browser.named('card_created').length === 3)
    expect(browser.heard.map(({ event, id }) => [event, id])).toEqual([
      ['hello', ''],
      ['state', board.eventId],
      ['card_created', first.eventId],
      ['hello', first.eventId],
      ['card_created', second.eventId],
      ['card_created', third.eventId],
    ])
    expect(browser.named('hello').map(({ data }) => data.resumed)).toEqual([false, true])
    expect(browser.source.readyState).toBe(EventSource.OPEN)
  })

  it('[E1] stops for good when its board is deleted', async () => {
    await using server = await startTestServer()
    const board = await makeBoard(server)
    using browser = new Browser(`${server.url}/sse?boardId=${board.id}`, ['state', 'board_deleted'])
    await browser.until(() => browser.named('state').length === 1)
    await deleteBoard(server, board.id)
    await browser.until(() => browser.source.readyState === EventSource.CLOSED)
    expect(browser.heard.map(({ event }) => event)).toEqual(['state', 'board_deleted'])
    expect(browser.errors).toEqual([undefined, 404])
  })

  it('[E6] reconnects when its stream was too old', async () => {
    await using server = await startTestServer({ streamMaxAgeMs: 100 })
    const board = await makeBoard(server)
    using browser = new Browser(`${server.url}/sse?channels=board:${board.id}`, ['hello', 'card_created'])
    await browser.until(() => browser.errors.length === 1)
    const { eventId } = await makeCard(server, board.id)
    const { id } = await browser.until(() => browser.named('card_created')[0])
    expect(id).toBe(eventId)
    expect(browser.named('hello')[1]?.data.data.resumed).toBe(true)
  })
})

describe('curl', () => {
  /** Runs curl and resolves to what it printed and its exit code; `onText` sees the text as it comes. */
  function curl(args: readonly string[], onText: (text: string) => void = () => undefined) {
    const child = spawn('curl', ['--silent', '--show-error', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    child.stderr.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      onText(text)
    })
    return new Promise<{ text: string; code: number | null }>((resolve) =>
      child.on('close', (code) => resolve({ text, code })),
    )
  }

  it.each([[], ['--http1.0'], ['--compressed']])(
    '[S5] [S6] [Q11] -N shows events as they come (%s)',
    async (...flags) => {
      await using server = await startTestServer()
      const board = await makeBoard(server)
      let made = 0
      const { text, code } = await curl(
        ['-N', ...flags, `${server.url}/sse?boardId=${board.id}&view=diff&limit=3`],
        (soFar) => {
          // The next card is created when the last one was shown: nothing is buffered.
          if (!soFar.includes('event: state') || (soFar.match(/card_created/g) ?? []).length !== made) return
          made += 1
          if (made <= 3) void makeCard(server, board.id, { title: `${made}` })
        },
      )
      expect(code).toBe(0)
      expect([...text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name)).toEqual([
        'hello',
        'state',
        'card_created',
        'card_created',
        'card_created',
      ])
    },
  )

  it('[Q12] ends successfully by its timeout', async () => {
    await using server = await startTestServer()
    expect((await curl(['-N', `${server.url}/events/a?timeout=0.1`])).code).toBe(0)
  })

  it('[S4] -I shows the head', async () => {
    await using server = await startTestServer()
    const { text, code } = await curl(['-I', `${server.url}/sse`])
    expect(code).toBe(0)
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(text).toContain('content-type: text/event-stream; charset=utf-8')
  })

  it('[X8] --fail reports an unknown board', async () => {
    await using server = await startTestServer()
    const { text, code } = await curl(['-N', '--fail', `${server.url}/sse?boardId=none`])
    expect(code).toBe(22)
    expect(text).toContain('404')
  })
})
