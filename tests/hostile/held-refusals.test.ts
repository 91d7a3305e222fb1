/** Who floods waits for the refusals, and nobody else does. Rule HA15 of docs/security.md. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { actingAs, bearer, startServerWithRights, tokenFor } from '../support/tokens.ts'

const EVENT = { event: 'said' }
const PATH = '/topics/t/events'
/** Slow enough that no token comes back during a test. */
const SCARCE = { rateMutations: 0.01, rateBurst: 1 }
const AT_ONCE = 100
const PER_SECOND = 20

it('[HA15] the first refusals are answered at once, the next one by one, and others are served meanwhile', async () => {
  await using server = await startServerWithRights(SCARCE)
  const flooder = actingAs(server, await tokenFor(['*'], ['*'], { sub: 'flooder' }))
  expect((await flooder.call('POST', PATH, EVENT)).status).toBe(202)
  const begun = performance.now()
  let isOtherServed = false
  const all = Array.from({ length: 180 }, async () => {
    expect((await flooder.call('POST', PATH, EVENT)).status).toBe(429)
    return { seconds: (performance.now() - begun) / 1_000, isOtherServed }
  })
  const other = actingAs(server, await tokenFor(['*'], ['*'], { sub: 'other' }))
  expect((await other.call('POST', PATH, EVENT)).status).toBe(202)
  expect((await flooder.call('GET', '/boards')).status).toBe(200)
  isOtherServed = true
  const answers = (await Promise.all(all)).toSorted((a, b) => a.seconds - b.seconds)
  // Timers may be early by a little.
  const early = answers.filter(({ seconds }, index) => index + 1 > AT_ONCE + 1 + PER_SECOND * (seconds + 0.05))
  expect(early).toEqual([])
  expect(answers.at(-1)?.isOtherServed).toBe(true)
})

it('[HA15] nothing more is read from a connection whose refusal is held back', async () => {
  await using server = await startServerWithRights(SCARCE)
  const token = await tokenFor(['*'])
  const flooder = actingAs(server, token)
  expect((await flooder.call('POST', PATH, EVENT)).status).toBe(202)
  // Together, so that few come back meanwhile. The last ones are held back for a second and more.
  const held = Array.from({ length: AT_ONCE + 40 }, () => flooder.call('POST', PATH, EVENT))
  await Promise.race(held)
  const body = JSON.stringify(EVENT)
  const request = [
    `POST /api/v1${PATH} HTTP/1.1`,
    'Host: localhost',
    `Authorization: ${bearer(token).Authorization}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n')
  const socket = connect(server.port, '127.0.0.1').setNoDelay()
  await once(socket, 'connect')
  let read = 0
  onTestFinished(
    onRequest(({ remotePort }) => {
      if (remotePort === socket.localPort) read += 1
    }),
  )
  let isAnswered = false
  socket.once('data', () => {
    isAnswered = true
  })
  socket.write(request)
  while (read === 0) await turn()
  // Each is a packet of its own, which arrives while the answer to the first is held back.
  for (let sent = 0; sent < 20; sent++) {
    await turn()
    socket.write(request)
  }
  for (let more = 0; more < 5; more++) await turn()
  expect(isAnswered).toBe(false)
  // What had arrived before the pause, at most.
  expect(read).toBeLessThan(5)
  socket.destroy()
  await Promise.all(held)
})

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20))
}

/** Calls back with the connection of every request that a server in this process has read. */
function onRequest(call: (socket: Socket) => void): () => void {
  const listener = (message: unknown) => call((message as { socket: Socket }).socket)
  subscribe('http.server.request.start', listener)
  return () => void unsubscribe('http.server.request.start', listener)
}
