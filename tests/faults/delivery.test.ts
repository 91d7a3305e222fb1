/**
 * Delivery against a model, with everything at once: bursts of posts to channels and to everyone, listeners over every
 * transport with and without the client library, cut and stalled at any moment, joining late and with old cursors, and a
 * server that is stopped and killed.
 *
 *   W8, W27, W42, W43, SIO7  Each connection shows exactly what follows its cursor, from the acknowledgement on.
 *   U1                       All connections of a listener together show the whole log.
 *   CL5                      Through the client library every event arrives once and in order.
 *
 * `BOARDCAST_SOAK_MINUTES=30 npx vitest run tests/faults/delivery.test.ts` runs for that long, with a new seed each round;
 * `BOARDCAST_TEST_SEED` starts with the seed of a failure.
 */
import { expect, test } from 'vitest'
import { createApiClient } from '../support/api.ts'
import { ChildServer } from '../support/child-server.ts'
import { allReach, isBefore, LibraryListener, type Listener, TransportListener } from '../support/delivery/listeners.ts'
import { CHANNELS, Load } from '../support/delivery/load.ts'
import { Road } from '../support/delivery/road.ts'
import { Truth } from '../support/delivery/truth.ts'
import { chooseSeed, createRandom, type Random } from '../support/random.ts'
import { WAYS } from '../support/transports.ts'

const SOAK_MINUTES = Number(process.env.BOARDCAST_SOAK_MINUTES ?? 0)
const STEPS = SOAK_MINUTES > 0 ? 400 : 150
/** The signal that stops the server after a number of steps. */
const STOPS = new Map<number, 'SIGTERM' | 'SIGKILL'>([
  [40, 'SIGKILL'],
  [90, 'SIGTERM'],
  [200, 'SIGKILL'],
  [270, 'SIGTERM'],
  [340, 'SIGKILL'],
])

test('[W8] [W27] [W42] [W43] [SIO7] [U1] every listener receives the log, whatever happens to it', {
  timeout: SOAK_MINUTES > 0 ? (SOAK_MINUTES + 10) * 60_000 : 180_000,
}, async () => {
  const end = performance.now() + SOAK_MINUTES * 60_000
  let seed = chooseSeed()
  do {
    const summary = await round(seed)
    if (SOAK_MINUTES > 0) process.stdout.write(`seed ${seed}: ${summary}\n`)
    seed += 1
  } while (performance.now() < end)
})

async function round(seed: number): Promise<string> {
  const random = createRandom(seed)
  await using server = await ChildServer.start({ BOARDCAST_HEARTBEAT_MS: '300', BOARDCAST_SOCKETIO: '1' })
  using api = createApiClient(server.url)
  const load = new Load({ api, server, random })
  await load.prepare()
  const { cursor: start } = await api.get('/cursor')
  const listeners = await listenersOf(server, start, random)
  try {
    load.begin(4)
    for (let step = 0; step < STEPS; step++) {
      const signal = STOPS.get(step)
      if (signal) {
        await server.stop(signal)
        await server.start()
      } else if (random.chance(0.4)) random.pick(listeners)?.road.cut()
      else if (random.chance(0.6)) random.pick(listeners)?.road.stall()
      else for (const { road } of listeners) road.resume()
      await new Promise((resolve) => setTimeout(resolve, random.below(120)))
    }
    await load.end()
    for (const { road } of listeners) road.resume()
    const { cursor } = await api.get('/cursor')
    await allReach(listeners, cursor, `seed ${seed}`)
    const truth = new Truth(api)
    for (const listener of listeners) {
      expect(listener.faults, `seed ${seed}, ${listener.name}`).toEqual([])
      expect(await truth.fault(listener, start), `seed ${seed}`).toBeNull()
    }
    for (const id of load.acknowledged) expect(isBefore(cursor, id), `seed ${seed}`).toBe(false)
    const returns = listeners.reduce((sum, one) => sum + one.returns, 0)
    return `${load.acknowledged.length} posts, ${listeners.length} listeners, ${returns} returns`
  } finally {
    for (const listener of listeners) {
      listener.close()
      await listener.road[Symbol.asyncDispose]()
    }
  }
}

async function listenersOf(server: ChildServer, start: string, random: Random): Promise<Listener[]> {
  const situation = { random, up: () => server.up }
  const listeners: Listener[] = []
  for (const kind of [...WAYS, ...WAYS]) {
    const channel = random.pick(CHANNELS) ?? 'global'
    listeners.push(new TransportListener(kind, channel, start, await Road.to(server.port), situation))
  }
  for (const transport of ['fetch', 'eventsource', 'ws'] as const) {
    const named = transport === 'eventsource' ? CHANNELS.filter((name) => !/^topic|^global/.test(name)) : CHANNELS
    const channels = named.filter(() => random.chance(0.5))
    if (channels.length === 0) channels.push('agent:ann')
    listeners.push(new LibraryListener(transport, channels, start, await Road.to(server.port)))
  }
  return listeners
}
