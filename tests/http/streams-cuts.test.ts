/**
 * Unmodified third-party clients on a connection that is cut at every byte of a stream. They reconnect by
 * themselves, each in its own way, and must have had every event in the end.
 */
import { createRequire } from 'node:module'
import { fetchEventSource } from '@microsoft/fetch-event-source'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { makeBoard } from '../support/board.ts'
import { type CuttingProxy, startCuttingProxy } from '../support/cutting-proxy.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { Listener } from '../support/stream.ts'

interface NamedEvents {
  addEventListener(event: string, listener: (message: { data: string }) => void): void
  close(): void
}
type EventSourceClass = new (url: string) => NamedEvents

// These two have no types.
const require = createRequire(import.meta.url)
const EventSource1: EventSourceClass = require('eventsource-1')
const EventSource2: EventSourceClass = require('eventsource-2')

/** Follows a stream until `ends` returns true for the data of an event. */
type Follow = (url: string, ends: (data: string) => boolean) => Promise<void>

const withEventSource =
  (Source: EventSourceClass): Follow =>
  (url, ends) =>
    new Promise((resolve) => {
      const source = new Source(url)
      source.addEventListener(EVENT, ({ data }) => {
        if (!ends(data)) return
        source.close()
        resolve()
      })
    })

const withFetchEventSource: Follow = (url, ends) => {
  const controller = new AbortController()
  return fetchEventSource(url, {
    signal: controller.signal,
    openWhenHidden: true,
    headers: { 'accept-encoding': 'identity' },
    onmessage: ({ event, data }) => event === EVENT && ends(data) && controller.abort(),
    onclose: () => {
      throw new Error('the stream ended')
    },
    onerror: () => 1,
  })
}

/** As scripts do it: line by line, handling each line as it comes. */
const withLines: Follow = async (url, ends) => {
  let lastEventId: string | undefined
  for (let event = ''; ; event = '') {
    try {
      const headers = { 'Accept-Encoding': 'identity', ...(lastEventId && { 'Last-Event-ID': lastEventId }) }
      const { body } = await fetch(url, { headers })
      let text = ''
      for await (const piece of body?.pipeThrough(new TextDecoderStream()) ?? []) {
        const lines = (text + piece).split('\n')
        text = lines.pop() ?? ''
        for (const line of lines) {
          if (line.startsWith('event: ')) event = line.slice('event: '.length)
          else if (line.startsWith('id: ')) lastEventId = line.slice('id: '.length)
          else if (line.startsWith('data: ') && event === EVENT && ends(line.slice('data: '.length))) {
            await body?.cancel().catch(() => undefined)
            return
          }
        }
      }
    } catch {
      // The connection was cut; the loop reconnects.
    }
  }
}

/** How many connections are open at a time. */
const AT_ONCE = 200
const EVENT = 'board_updated'
const EVENTS = 3

let server: TestServer
let proxy: CuttingProxy
beforeAll(async () => {
  // fetch-event-source expects these two globals.
  vi.stubGlobal('window', globalThis)
  vi.stubGlobal('document', { hidden: false, addEventListener() {}, removeEventListener() {} })
  server = await startTestServer()
  proxy = await startCuttingProxy(server)
  await makeBoard(server, 'cuts')
  for (let n = 1; n <= EVENTS; n++) await server.call('PATCH', '/boards/cuts', { name: `${n}` })
})
afterAll(async () => {
  vi.unstubAllGlobals()
  await proxy[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

const PATH = '/sse?boardId=cuts&view=diff&types=board_updated&since=earliest'

/** The body as it is on the wire. It has the same length on every connection. */
async function wire(): Promise<string> {
  let text = ''
  await using listener = new Listener(server.url, PATH)
  listener.socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
  })
  await listener.until('all events', () => listener.named(EVENT).length === EVENTS)
  return text.slice(text.indexOf('\r\n\r\n') + 4)
}

/** Where a cut lost an event, up to the beginning of the last one. */
async function lossesOf(client: string, follow: Follow): Promise<number[]> {
  const positions = Array.from({ length: (await wire()).lastIndexOf(`event: ${EVENT}`) }, (_, index) => index)
  const losses: number[] = []
  const one = async (): Promise<void> => {
    for (let at = positions.pop(); at !== undefined; at = positions.pop()) {
      const path = `${PATH}&client=${client}&cut=${at}`
      const had = new Set<string>()
      await follow(proxy.url + path, (data) => {
        const { name } = JSON.parse(data).changes
        had.add(name)
        return name === `${EVENTS}`
      })
      await proxy.cut(path)
      if (had.size < EVENTS) losses.push(at)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  return losses.sort((a, b) => a - b)
}

describe('cut at every byte', { timeout: 120_000 }, () => {
  it('[S7] a script that reads line by line loses nothing', async () => {
    expect(await lossesOf('lines', withLines)).toEqual([])
  })

  // These three store the id at the end of its line and dispatch the event at the empty line. No order of the fields
  // helps a client that is cut between these two bytes.
  it.each([
    ['eventsource-1', withEventSource(EventSource1)],
    ['eventsource-2', withEventSource(EventSource2)],
    ['fetch-event-source', withFetchEventSource],
  ] as const)('[S7] %s loses nothing, except between the last two bytes of an event', async (client, follow) => {
    const text = await wire()
    const isBetween = (at: number) => /\nid: \S+\n$/.test(text.slice(0, at)) && text[at] === '\n'
    const losses = await lossesOf(client, follow)
    expect(losses.filter((at) => !isBetween(at))).toEqual([])
  })
})
