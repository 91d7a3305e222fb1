/**
 * The same as delivery.test.ts over real sockets: a whole server, listeners that stop reading until the kernel's buffers
 * are full, are cut at any byte and come back.
 *
 *   U13  Whatever listeners go through, what they got is what the log holds, in its order, and the last `state` of a
 *        `full` view is the state of the board.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createApiClient } from '../support/api.ts'
import { BoardWriters } from '../support/board-writers.ts'
import { difference, expectedSightings, sightings } from '../support/comparing.ts'
import { CutListener } from '../support/cut-listener.ts'
import { readLog } from '../support/log-reader.ts'
import { startTestServer } from '../support/server.ts'

const BOARD = 'demo'
const AGENTS = ['agent-ann', 'agent-bob']

type Step =
  | { readonly does: 'write'; readonly mutations: number }
  | { readonly does: 'flood' }
  | { readonly does: 'connect' | 'cut' | 'pause' | 'resume'; readonly who: number; readonly bytes: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ does: fc.constant('write' as const), mutations: fc.integer({ min: 1, max: 25 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ does: 'flood' as const }) },
  {
    weight: 6,
    arbitrary: fc.record({
      does: fc.constantFrom('connect', 'connect', 'cut', 'pause', 'resume'),
      who: fc.nat(5),
      bytes: fc.nat(200_000),
    }),
  },
)

const channel = fc.constantFrom('global', `board:${BOARD}`, `project:${BOARD}`, ...AGENTS.map((id) => `agent:${id}`))
const types = fc.option(fc.constantFrom(['card_*', 'state'], ['attempt_log', 'output_batch']), {
  nil: undefined,
  freq: 4,
})
const wish = fc.record({
  channels: fc.uniqueArray(channel, { minLength: 1, maxLength: 4 }),
  view: fc.constantFrom('full' as const, 'diff' as const),
  types,
  gzip: fc.boolean(),
})

test('[U13] stalled, cut and resumed sockets lose nothing', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(wish, { minLength: 3, maxLength: 6 }),
      fc.array(step, { minLength: 5, maxLength: 30 }),
      fc.nat(),
      async (wishes, steps, seed) => {
        await using server = await startTestServer({ heartbeatMs: 100 })
        using api = createApiClient(server.url)
        await api.call('POST', '/boards', { id: BOARD, name: 'Demo' })
        const listeners = wishes.map(
          ({ gzip, types, ...listening }) =>
            new CutListener({
              url: () => server.url,
              listening: types ? { ...listening, types } : listening,
              gzip,
            }),
        )
        const work = await BoardWriters.begin({ api, boardId: BOARD, seed })
        for (const one of steps) {
          if (one.does === 'write') work.write(one.mutations)
          else if (one.does === 'flood') work.flood()
          else listeners[one.who % listeners.length]?.[one.does](one.bytes)
          // The request starts; whether it ends before the next step depends on the sockets.
          await new Promise(setImmediate)
        }
        await work.done()
        const { state, cursor } = await api.get(`/boards/${BOARD}`)
        const log = await readLog(server.url, 'earliest', cursor)
        for (const listener of listeners) await listener.reach(log.length)
        for (const listener of listeners) {
          await listener.untilState(state)
          await listener.close()
          const { received, listening } = listener
          const named = JSON.stringify(listening)
          expect([received.faults, received.gaps], named).toEqual([[], []])
          const { start = 0, frames, reached } = received.stretch
          expect(reached, named).toBe(log.length)
          const due = log.filter(({ seq }) => seq > start)
          expect(difference(sightings(frames, false), expectedSightings(due, listening, false)), named).toBeNull()
        }
      },
    ),
    // Sockets behave differently each time, so shrinking would not help.
    { numRuns: 12, endOnFailure: true },
  )
})
