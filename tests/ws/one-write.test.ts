/**
 * How many writes a socket takes. Rule W7.
 *
 * Server and client share a process here, and their sockets have handles of one class. Writes are counted at the handle of
 * a client's connection, however they got there.
 */
import type { Socket } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { appendLines, makeWork } from '../support/board.ts'
import { RawSocket } from '../support/raw-socket.ts'
import { startTestServer } from '../support/server.ts'

interface Handle {
  getpeername(out: { port?: number }): number
}

const WRITES = ['writeBuffer', 'writev', 'writeUtf8String', 'writeLatin1String', 'writeAsciiString'] as const

afterEach(() => {
  vi.restoreAllMocks()
})

/** Counts the writes to the connections of these clients from now on. */
function countWrites(peers: readonly RawSocket[]): number[] {
  const counts = peers.map(() => 0)
  const [peer] = peers
  if (!peer) throw new Error('nobody to count for')
  const { _handle: handle } = peer.socket as Socket & { readonly _handle: object }
  const prototype = Object.getPrototypeOf(handle) as Record<string, (...args: unknown[]) => unknown>
  for (const name of WRITES) {
    const original = prototype[name]
    if (!original) throw new Error(`a handle has no ${name}`)
    vi.spyOn(prototype, name).mockImplementation(function (this: Handle, ...args: unknown[]) {
      const at: { port?: number } = {}
      this.getpeername(at)
      const index = peers.findIndex(({ socket }) => socket.localPort === at.port)
      if (index >= 0) counts[index] = (counts[index] ?? 0) + 1
      return original.apply(this, args)
    })
  }
  return counts
}

it('[W7] everything that one turn commits for a connection leaves in one write', async () => {
  await using server = await startTestServer({ heartbeatMs: 60_000 })
  const { boardId, attempt } = await makeWork(server)
  const peers = await Promise.all(
    ['/ws', `/ws?boardId=${boardId}&view=diff`, '/ws?global=0', '/ws'].map((path) => RawSocket.open(server.url, path)),
  )
  for (const channel of [`attempt:${attempt.id}`, `board:${boardId}`]) peers[3]?.send({ type: 'subscribe', channel })
  peers[2]?.send({ type: 'subscribe', channel: `attempt:${attempt.id}` })
  await peers[3]?.until(
    'its answers',
    () => peers[3]?.messages.filter(({ type }) => type === 'subscribed').length === 2,
  )
  await peers[2]?.until('its answer', () => peers[2]?.messages.some(({ type }) => type === 'subscribed'))
  await peers[1]?.until('its opening', () => peers[1]?.messages.length === 3)
  const counts = countWrites(peers)
  const before = peers.map(({ frames }) => frames.length)
  const { eventId } = await appendLines(
    server,
    attempt.id,
    Array.from({ length: 40 }, (_, n) => `line ${n}`),
  )
  for (const peer of peers) await peer.until('the last', () => peer.texts.some((text) => text.includes(eventId)))
  // The last one shows every line under two names.
  expect(peers.map(({ frames }, index) => frames.length - (before[index] ?? 0))).toEqual([40, 40, 40, 80])
  expect(counts).toEqual([1, 1, 1, 1])

  // Mutations of several clients that are committed together.
  const together = await Promise.all(
    Array.from({ length: 6 }, (_, n) => server.post('/topics/joint/events', { event: 'e', data: n })),
  )
  const newest = together.map(({ eventId }) => eventId).sort((a, b) => Number(a.slice(9)) - Number(b.slice(9)))
  await peers[0]?.until('the last', () => peers[0]?.texts.some((text) => text.includes(newest[5] ?? '')))
  expect(counts[0]).toBeLessThanOrEqual(1 + 6)
  expect(counts.slice(1, 3)).toEqual([1, 1])
  for (const peer of peers) await peer[Symbol.asyncDispose]()
})

it('[W7] an event with several names leaves in one write', async () => {
  await using server = await startTestServer({ heartbeatMs: 60_000 })
  const { boardId, card } = await makeWork(server)
  await using peer = await RawSocket.open(server.url, '/ws')
  for (const channel of [`board:${boardId}`, `issue:${card.id}`, 'agent:claude']) {
    peer.send({ type: 'subscribe', channel })
  }
  await peer.until('the answers', () => peer.messages.filter(({ type }) => type === 'subscribed').length === 3)
  const counts = countWrites([peer])
  const { eventId } = await server.call('PATCH', `/cards/${card.id}`, { assignedAgentId: 'claude' })
  const named = () => peer.messages.filter(({ id, type }) => type === 'event' && id === eventId)
  await peer.until('the event', () => named().length === 3)
  expect(counts).toEqual([1])
})
