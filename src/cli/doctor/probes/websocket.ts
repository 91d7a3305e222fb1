/** Whether a WebSocket opens, and messages pass both ways. */
import type { IncomingMessage } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import { parseJson } from '../../../text/json-line.ts'
import { socketPathOf } from '../../api/fetch.ts'
import { backOffMs, isBusy, reasonOf } from '../../api/retry.ts'
import { causeOf, timeOf } from '../findings/causes.ts'
import { type Finding, fail, ok } from '../findings/finding.ts'
import type { Middle } from '../findings/middle.ts'
import { type Bench, PATIENCE_MS, RIGHTS, throwIfMissing } from './bench.ts'

export interface SocketFacts {
  /** Of the answer to the upgrade; 101: it is a socket. */
  readonly status: number | undefined
  readonly error: string | undefined
  /** From the request to the first message. */
  readonly openMs: number | undefined
  /** From a message to its answer. */
  readonly pongMs: number | undefined
}

export async function probeWebSocket(bench: Bench): Promise<Finding> {
  const until = performance.now() + PATIENCE_MS
  for (let tries = 0; ; tries += 1) {
    const facts = await measured(bench)
    const delayMs = backOffMs(tries)
    // The places of the streams that were open before may be taken for a moment.
    if (!isBusy(facts.status ?? 0) || performance.now() + delayMs > until) return judgeSocket(facts, bench.middle)
    await sleep(delayMs)
  }
}

async function measured({ road, channel }: Bench): Promise<SocketFacts> {
  const { baseUrl, credentials, hasToken } = road
  const path = `/ws?global=0&channels=${channel}`
  const socketPath = socketPathOf(baseUrl)
  const address = socketPath === undefined ? baseUrl.replace(/^http/, 'ws') + path : `ws+unix:${socketPath}:${path}`
  const origin = socketPath === undefined ? { Origin: new URL(baseUrl).origin } : {}
  const askedAt = performance.now()
  const socket = new WebSocket(address, { headers: { ...credentials, ...origin }, handshakeTimeout: 2 * PATIENCE_MS })
  try {
    const outcome = await opened(socket)
    if ('error' in outcome) return { ...NONE, status: undefined, error: outcome.error }
    if ('body' in outcome) {
      throwIfMissing(outcome, `subscribe on ${RIGHTS}`, hasToken)
      return { ...NONE, status: outcome.status, error: undefined }
    }
    const openMs = (await outcome.message(() => true)) && performance.now() - askedAt
    const sentAt = performance.now()
    socket.send(JSON.stringify({ type: 'ping', timestamp: 1 }))
    const pongMs = (await outcome.message(isPong)) && performance.now() - sentAt
    return { status: 101, error: undefined, openMs, pongMs }
  } finally {
    socket.on('error', () => {}) // Ended by us before it was open.
    socket.terminate()
  }
}

const NONE = { openMs: undefined, pongMs: undefined }

type Opened =
  | { message(fits: (text: string) => boolean): Promise<true | undefined> }
  | { readonly status: number; readonly headers: IncomingMessage['headers']; readonly body: unknown }
  | { readonly error: string }

function opened(socket: WebSocket): Promise<Opened> {
  const texts: string[] = []
  let look = () => {}
  socket.on('message', (data) => {
    texts.push(String(data))
    look()
  })
  const message = (fits: (text: string) => boolean) =>
    new Promise<true | undefined>((resolve) => {
      const timer = setTimeout(() => resolve(undefined), PATIENCE_MS)
      look = () => {
        if (!texts.some(fits)) return
        clearTimeout(timer)
        resolve(true)
      }
      look()
    })
  return new Promise((resolve) => {
    socket.once('open', () => resolve({ message }))
    socket.on('error', (error) => resolve({ error: reasonOf(error) }))
    socket.once('unexpected-response', (_request, response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('close', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parseJson(text) })
      })
    })
  })
}

function isPong(text: string): boolean {
  const message = parseJson(text)
  return typeof message === 'object' && message !== null && Reflect.get(message, 'type') === 'pong'
}

export function judgeSocket({ status, error, openMs, pongMs }: SocketFacts, middle: Middle): Finding {
  const measured = {
    status: status ?? null,
    openMs: openMs === undefined ? null : Math.round(openMs),
    pongMs: pongMs === undefined ? null : Math.round(pongMs),
  }
  if (status !== 101) {
    const shows = status === undefined ? `the upgrade fails (${error})` : `the upgrade is answered ${status}`
    return fail(measured, causeOf('blocksUpgrade', middle, shows))
  }
  if (openMs === undefined || pongMs === undefined) {
    const shows = openMs === undefined ? 'the first message of the server does not come' : 'a ping is not answered'
    return fail(measured, causeOf('silencesSocket', middle, shows))
  }
  return ok(measured, `open after ${timeOf(openMs)}, answers in ${timeOf(pongMs)}`)
}
