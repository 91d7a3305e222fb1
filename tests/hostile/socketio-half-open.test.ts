/** Clients of Socket.IO that do not connect, or stay after they have left. Rules SIO14 of docs/protocol.md, HA21 of docs/security.md. */
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { startTestServer } from '../support/server.ts'
import { SocketIoClient } from '../support/socketio.ts'
import { startServerWithRights, tokenFor } from '../support/tokens.ts'

const SHORT_MS = 1_000
const ENGINE = '/socket.io/?EIO=4&transport='
const CONNECT = '40'
const LEAVE = '41'

/** A client of the engine that answers its pings, and connects to no namespace by itself. */
class EngineClient {
  readonly websocket: WebSocket
  readonly texts: string[] = []
  isClosed = false

  constructor({ port }: { readonly port: number }, localAddress = '127.0.0.1') {
    this.websocket = new WebSocket(`ws://127.0.0.1:${port}${ENGINE}websocket`, { localAddress })
    this.websocket.on('message', (data) => {
      this.texts.push(String(data))
      if (String(data) === '2') this.websocket.send('3')
    })
    this.websocket.on('close', () => {
      this.isClosed = true
    })
    this.websocket.on('error', () => undefined)
    onTestFinished(() => this.websocket.terminate())
  }

  get isOpen(): boolean {
    return this.texts.length > 0
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    await expect.poll(condition, { timeout: 30_000, interval: 20, message: what }).toBe(true)
  }
}

/** A session of the engine by polling; resolves to its address. */
async function session(url: string): Promise<string> {
  const text = await (await fetch(`${url}${ENGINE}polling`)).text()
  return `${url}${ENGINE}polling&sid=${JSON.parse(text.slice(1)).sid}`
}

it('[SIO14] that never connect are ended in time, by WebSocket and by polling', async () => {
  await using server = await startTestServer({ hasSocketIo: true, requestTimeoutMs: SHORT_MS })
  await using connected = await SocketIoClient.open(server.url, ['websocket'])
  const client = new EngineClient(server)
  await client.until('the handshake', () => client.isOpen)
  const polling = await session(server.url)
  await client.until('the end', () => client.isClosed)
  await expect.poll(async () => (await fetch(polling)).status, { timeout: 10_000 }).toBe(400)
  expect(connected.ends).toEqual([])
  expect(connected.socket.connected).toBe(true)
})

it('[SIO14] whose token is refused are ended in time, too', async () => {
  await using server = await startServerWithRights({ hasSocketIo: true, requestTimeoutMs: SHORT_MS })
  const client = new EngineClient(server)
  await client.until('the handshake', () => client.isOpen)
  client.websocket.send(`${CONNECT}{"token":"guess"}`)
  await client.until('the refusal', () => client.texts.some((text) => text.includes('Authentication error')))
  expect(client.isClosed).toBe(false)
  await client.until('the end', () => client.isClosed)
})

it('[SIO14] that leave the namespace are ended', async () => {
  await using server = await startServerWithRights({ hasSocketIo: true })
  const client = new EngineClient(server)
  await client.until('the handshake', () => client.isOpen)
  client.websocket.send(`${CONNECT}${JSON.stringify({ token: await tokenFor(['*']) })}`)
  await client.until('hello', () => client.texts.some((text) => text.includes('"hello"')))
  client.websocket.send(LEAVE)
  await client.until('the end', () => client.isClosed)
})

it('[HA21] [SIO14] count as half-open until they are let in; the oldest end', async () => {
  await using server = await startTestServer({ host: '0.0.0.0', isAuthOff: true, hasSocketIo: true })
  const letIn = new EngineClient(server, '127.0.0.2')
  await letIn.until('the handshake', () => letIn.isOpen)
  letIn.websocket.send(CONNECT)
  await letIn.until('hello', () => letIn.texts.some((text) => text.includes('"hello"')))
  const polling = await session(`http://127.0.0.1:${server.port}`)
  const other = new EngineClient(server)
  const many = Array.from({ length: 150 }, () => new EngineClient(server, '127.0.0.2'))
  await letIn.until('the end of the oldest', () => many.filter(({ isClosed }) => isClosed).length >= 50)
  await letIn.until('the handshake of the last', () => many.at(-1)?.isOpen ?? false)
  expect([letIn, other, ...many.slice(-50)].some(({ isClosed }) => isClosed)).toBe(false)
  // One that was kept is let in.
  const last = many.at(-1)
  last?.websocket.send(CONNECT)
  await letIn.until('hello', () => last?.texts.some((text) => text.includes('"hello"')) ?? false)

  for (let n = 0; n < 120; n++) await session(`http://127.0.0.1:${server.port}`)
  await expect
    .poll(async () => (await fetch(polling, { method: 'POST', body: '3' })).status, { timeout: 20_000 })
    .toBe(400)
  expect([letIn, last].some((client) => client?.isClosed)).toBe(false)
})
