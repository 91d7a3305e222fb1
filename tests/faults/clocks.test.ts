/**
 * Changes of the system clock, and pauses of the server.
 *
 *   CK2  When the clock is set back, mail expires on time, times never decrease, and lists are in order of creation. This
 *        also holds when the clock is set back between two starts.
 *   CK3  When it is set forward, mail lives as long as intended; `expires_at` moves with the clock.
 *   CK4  A pause of the server does not count as silence of its clients: after SIGSTOP and SIGCONT no socket is cut.
 */
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import WebSocket from 'ws'
import { type ApiClient, createApiClient } from '../support/api.ts'
import { ChildServer } from '../support/child-server.ts'
import { listen } from '../support/stream.ts'

const PATIENCE = { timeout: 30_000, interval: 100 }
const HOUR_S = 3_600
const LIBRARY = 'libfaketimeMT.so.1'

function findFaketime(): string | undefined {
  const root = '/usr/lib'
  const folders = existsSync(root) ? readdirSync(root).map((name) => join(root, name, 'faketime')) : []
  return folders.map((folder) => join(folder, LIBRARY)).find((path) => existsSync(path))
}

const faketime = findFaketime()

/** A server with a clock that can be set, in seconds from the true time. */
async function startOnClock() {
  const setting = join(process.env.TMPDIR ?? '/tmp', `boardcast-clock-${process.pid}-${Math.random()}`)
  function setClock(seconds: number): void {
    // Renamed into place, because every look at the clock reads it.
    writeFileSync(`${setting}.new`, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}\n`)
    renameSync(`${setting}.new`, setting)
  }
  setClock(0)
  const server = await ChildServer.start({
    LD_PRELOAD: faketime ?? '',
    FAKETIME_TIMESTAMP_FILE: setting,
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  })
  return { server, setClock }
}

const idsOf = async (api: ApiClient) => (await api.get('/boards')).boards.map(({ id }: { id: string }) => id)

async function send(api: ApiClient, to: string, seconds: number): Promise<string> {
  const body = { from_agent: 'a', to_agent: to, content: 'x', ttl_seconds: seconds }
  return (await api.call('POST', '/messages', body)).body.message_id
}

test('[CK2] the clock is set back', async ({ skip }) => {
  if (!faketime) return skip('faketime is not installed')
  const { server, setClock } = await startOnClock()
  using api = createApiClient(server.url)
  const stream = await listen(server.url, '/sse?channels=agent:bob,global')
  await api.call('POST', '/boards', { id: 'c', name: 'first' })
  await api.call('POST', '/boards', { id: 'a', name: 'second' })
  await api.call('POST', '/agents', { id: 'bob' })
  const message = await send(api, 'bob', 3)
  setClock(-HOUR_S)
  await api.call('POST', '/boards', { id: 'b', name: 'third' })
  expect(await idsOf(api)).toEqual(['c', 'a', 'b'])
  // Five seconds after it is due, and the machine may be busy.
  await expect
    .poll(
      () => stream.frames.some(({ event, data }) => event === 'message.expired' && data.data.message_id === message),
      {
        timeout: 20_000,
        interval: 50,
      },
    )
    .toBe(true)
  const times = stream.frames.filter(({ data }) => data.id && data.channel !== '*').map(({ data }) => data.timestamp)
  expect(times.length).toBeGreaterThan(3)
  expect(times).toEqual([...times].sort((a, b) => a - b))
  stream.socket.destroy()

  // Once more, while the server is down.
  const kept = await send(api, 'bob', 60)
  const short = await send(api, 'bob', 3)
  setClock(-2 * HOUR_S)
  expect(await server.stop('SIGTERM')).toBe(0)
  await server.start()
  using again = createApiClient(server.url)
  await again.call('POST', '/boards', { id: '0', name: 'fourth' })
  expect(await idsOf(again)).toEqual(['c', 'a', 'b', '0'])
  const mail = async () =>
    (await again.get('/agents/bob/messages')).messages.map(({ message_id }: { message_id: string }) => message_id)
  await expect.poll(mail, PATIENCE).not.toContain(short)
  expect(await mail()).toContain(kept)
})

test('[CK3] the clock is set forward', async ({ skip }) => {
  if (!faketime) return skip('faketime is not installed')
  const { server, setClock } = await startOnClock()
  using api = createApiClient(server.url)
  const message = await send(api, 'bob', 300)
  const find = async () =>
    (await api.get('/agents/bob/messages')).messages.find(
      ({ message_id }: { message_id: string }) => message_id === message,
    )
  const before = Date.parse((await find()).expires_at)
  setClock(HOUR_S)
  await expect.poll(async () => Date.parse((await find())?.expires_at ?? 0), PATIENCE).toBeGreaterThan(before)
  const movedBy = Date.parse((await find()).expires_at) - before
  expect(Math.abs(movedBy - HOUR_S * 1_000)).toBeLessThan(3_000)
})

/** Pauses the server while it waits for an answer, for much longer than its timeout, and answers when it continues. */
async function pauseOnce(server: ChildServer, answer: () => void): Promise<void> {
  // By then it is waiting for the answer.
  await new Promise((resolve) => setTimeout(resolve, 100))
  process.kill(server.pid, 'SIGSTOP')
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  process.kill(server.pid, 'SIGCONT')
  // As from a machine that slept too: after the server has looked at its clock, and well before its timeout.
  await new Promise((resolve) => setTimeout(resolve, 100))
  answer()
}

test('[CK4] a WebSocket outlives a pause of the server', async () => {
  await using server = await ChildServer.start({ BOARDCAST_HEARTBEAT_MS: '300' })
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws`, { autoPong: false })
  let closed: number | null = null
  let pings = 0
  socket.on('close', (code) => {
    closed = code
  })
  await new Promise<void>((resolve) => {
    socket.on('ping', () => {
      pings += 1
      if (pings === 2) void pauseOnce(server, () => socket.pong()).then(resolve)
      else socket.pong()
    })
  })
  await expect.poll(() => closed ?? pings, PATIENCE).toBeGreaterThan(6)
  expect(closed).toBeNull()
  socket.terminate()
})

test('[CK4] a Socket.IO connection outlives a pause of the server', async () => {
  await using server = await ChildServer.start({ BOARDCAST_HEARTBEAT_MS: '300', BOARDCAST_SOCKETIO: '1' })
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
  let closed: number | null = null
  let pings = 0
  socket.on('close', (code) => {
    closed = code
  })
  await new Promise<void>((resolve) => {
    socket.on('message', (data) => {
      const text = String(data)
      if (text.startsWith('0')) socket.send('40')
      if (text !== '2') return
      pings += 1
      if (pings === 2) void pauseOnce(server, () => socket.send('3')).then(resolve)
      else socket.send('3')
    })
  })
  await expect.poll(() => closed ?? pings, PATIENCE).toBeGreaterThan(6)
  expect(closed).toBeNull()
  socket.terminate()
})
