/** Who floods waits for the refusals, and nobody else does. Rule HA15 of docs/security.md. */
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { actingAs, bearer, startServerWithRights, tokenFor } from '../support/tokens.ts'

const EVENT = { event: 'said' }
const PATH = '/topics/t/events'
/** Slow enough that no token comes back during a test. */
const SCARCE = { rateMutations: 0.01, rateBurst: 1 }
const AT_ONCE = 100

/** Clocks and timers differ by a little. */
const HELD_MS = 990

it('[HA15] the burst of refusals is answered at once, the next a second later, and others are served meanwhile', async () => {
  await using server = await startServerWithRights(SCARCE)
  const flooder = actingAs(server, await tokenFor(['*'], ['*'], { sub: 'flooder' }))
  expect((await flooder.call('POST', PATH, EVENT)).status).toBe(202)
  // Some come back while these are sent.
  const answered: number[] = []
  const begun = performance.now()
  const all = Array.from({ length: 2 * AT_ONCE }, async () => {
    const { status } = await flooder.call('POST', PATH, EVENT)
    answered.push(performance.now() - begun)
    return status
  })
  const other = actingAs(server, await tokenFor(['*'], ['*'], { sub: 'other' }))
  expect((await other.call('POST', PATH, EVENT)).status).toBe(202)
  expect((await flooder.call('GET', '/boards')).status).toBe(200)
  expect(await Promise.all(all)).toEqual(Array(2 * AT_ONCE).fill(429))
  const held = answered.filter((ms) => ms >= HELD_MS).length
  expect(held).toBeGreaterThan(AT_ONCE / 2)
  expect(held).toBeLessThanOrEqual(AT_ONCE)
})

it('[HA15] nothing more is read from a connection whose refusal is held back', async () => {
  await using server = await startServerWithRights(SCARCE)
  const token = await tokenFor(['*'])
  const flooder = actingAs(server, token)
  expect((await flooder.call('POST', PATH, EVENT)).status).toBe(202)
  // Together, so that few come back meanwhile.
  const held = Promise.race(Array.from({ length: AT_ONCE + 20 }, () => flooder.call('POST', PATH, EVENT)).slice(-5))
  expect((await held).status).toBe(429)
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
  let answers = ''
  const begun = performance.now()
  await new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      answers += chunk
      if (answers.split('HTTP/1.1 429').length > 4) resolve()
    })
    socket.write(request)
    // Each is a packet of its own, which arrives while the answer to the first is held back.
    setTimeout(() => socket.write(request), 100)
    setTimeout(() => socket.write(request), 200)
    setTimeout(() => socket.write(request), 300)
  })
  socket.destroy()
  // Read meanwhile, they would all be answered after little more than a second.
  expect(performance.now() - begun).toBeGreaterThan(2 * HELD_MS)
})
