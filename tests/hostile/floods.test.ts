/**
 * Floods against the program in a separate process: connections that never ask, and a publisher that never stops. Others go
 * on being served, and memory returns. Rules HA21 and HA32 of docs/security.md.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { ChildServer } from '../support/child-server.ts'
import { listen } from '../support/stream.ts'
import { bearer, SECRET, sign } from '../support/tokens.ts'

const HALF_OPEN = 10_000
const MIB = 1_024
const EVERYTHING = { subscribe: ['*'], publish: ['*'] }

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 40_000; performance.now() < end; await pause(25)) {
    if (await condition()) return
  }
  throw new Error(`waited for ${what}`)
}

/** Open files of this process may be fewer than the test needs; the soft limit of the shell counts for both processes. */
const MAX_FILES = Number(/Max open files\s+(\d+)/.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 1_024)
const COUNT = Math.min(HALF_OPEN, MAX_FILES - 1_000)

const rssKb = (pid: number) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1])
const openFiles = (pid: number) => readdirSync(`/proc/${pid}/fd`).length

it(`[HA21] ${HALF_OPEN} half-open connections, or as many as this machine allows, keep nobody out`, async ({
  annotate,
}) => {
  await annotate(`${COUNT} connections`)
  await using server = await ChildServer.start()
  await using stream = await listen(server.url, '/sse?channels=topic:t')
  await stream.frame('hello')
  const before = { rss: rssKb(server.pid), files: openFiles(server.pid) }

  const sockets: Socket[] = []
  let ended = 0
  for (let n = 0; n < COUNT; n++) {
    const socket = connect(server.port, '127.0.0.1', () => socket.write('GET /health HTTP/1.1\r\nX-Slow: '))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      ended += 1
    })
    socket.resume()
    sockets.push(socket)
    if (n % 500 === 499) await post(server)
  }
  await stream.id(await post(server))
  await until('the end of the oldest', () => ended >= COUNT - 1_100)
  await stream.id(await post(server))
  expect(openFiles(server.pid)).toBeLessThan(before.files + 1_200)
  for (const socket of sockets) socket.destroy()
  await until('the files', () => openFiles(server.pid) < before.files + 50)
  // What the allocator keeps for later is not much.
  expect(rssKb(server.pid) - before.rss).toBeLessThan(150 * MIB)
})

it('[HA32] a publisher that never stops is held back, and others are served', async () => {
  await using server = await ChildServer.start({ BOARDCAST_JWT_SECRET: SECRET, BOARDCAST_RATE_BURST: '50' })
  const [flooder, other] = await Promise.all([
    sign({ sub: 'flooder', boardcast: EVERYTHING }),
    sign({ sub: 'other', boardcast: EVERYTHING }),
  ])
  await using stream = await listen(server.url, '/sse?channels=topic:quiet', { headers: bearer(other) })
  await stream.frame('hello')

  let isOver = false
  const statuses = new Map<number, number>()
  const flood = Array.from({ length: 16 }, async () => {
    while (!isOver) {
      const { status } = await posted(server, 'loud', flooder)
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
    }
  })
  await until('the refusals', () => (statuses.get(429) ?? 0) > 110)
  const before = rssKb(server.pid)
  for (let n = 0; n < 20; n++) {
    const { status, eventId } = await posted(server, 'quiet', other)
    expect(status).toBe(202)
    await stream.id(eventId)
  }
  await until('more refusals', () => (statuses.get(429) ?? 0) > 130)
  isOver = true
  await Promise.all(flood)
  expect([...statuses.keys()].sort()).toEqual([202, 429])
  // The burst, and what time brought.
  expect(rssKb(server.pid) - before).toBeLessThan(100 * MIB)
})

async function posted(
  { url }: ChildServer,
  topic: string,
  token?: string,
): Promise<{ status: number; eventId: string }> {
  const answer = await fetch(`${url}/api/v1/topics/${topic}/events`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...(token && bearer(token)) },
    body: '{"event":"said"}',
  })
  await answer.arrayBuffer()
  return { status: answer.status, eventId: answer.headers.get('Event-Id') ?? '' }
}

async function post(server: ChildServer): Promise<string> {
  const { status, eventId } = await posted(server, 't')
  expect(status).toBe(202)
  return eventId
}
