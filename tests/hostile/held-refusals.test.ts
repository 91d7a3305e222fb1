/** Who floods waits for the refusals, and nobody else does. Rule HA15 of docs/security.md. */
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { actingAs, bearer, startServerWithRights, tokenFor } from '../support/tokens.ts'

const EVENT = { event: 'said' }
const PATH = '/topics/t/events'
/** Slow enough that no token comes back during a test. */
const SCARCE = { rateMutations: 0.01, rateBurst: 1 }
const AT_ONCE = 100
const REQUESTS = 12

/** Clocks and timers differ by a little. */
const HELD_MS = 990

it('[HA15] the burst of refusals is answered at once, the next a second later, and others are served meanwhile', async () => {
  await using server = await startServerWithRights(SCARCE)
  const flooder = actingAs(server, await tokenFor(['*'], ['*'], { sub: 'flooder' }))
  expect((await flooder.call('POST', PATH, EVENT)).status).toBe(202)
  const begun = performance.now()
  const post = async () => {
    expect((await flooder.call('POST', PATH, EVENT)).status).toBe(429)
    return performance.now() - begun
  }
  for (let n = 0; n < AT_ONCE / 2; n++) await post()
  // Held back, each would have taken a second.
  expect(performance.now() - begun).toBeLessThan((AT_ONCE / 4) * 1_000)

  const then = performance.now() - begun
  const all = Array.from({ length: AT_ONCE }, post)
  const other = actingAs(server, await tokenFor(['*'], ['*'], { sub: 'other' }))
  expect((await other.call('POST', PATH, EVENT)).status).toBe(202)
  expect((await flooder.call('GET', '/boards')).status).toBe(200)
  const held = (await Promise.all(all)).filter((ms) => ms - then >= HELD_MS)
  // Half were over the burst. A few came back meanwhile.
  expect(held.length).toBeGreaterThan(AT_ONCE / 4)
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
      if (answers.split('HTTP/1.1 429').length > REQUESTS) resolve()
    })
    // Each is a packet of its own. Some arrive while the answer to an earlier one is held back.
    for (let n = 0; n < REQUESTS; n++) setTimeout(() => socket.write(request), 50 * n)
  })
  socket.destroy()
  // Read meanwhile, they would all be held back together.
  expect(performance.now() - begun).toBeGreaterThan(2 * HELD_MS)
})
