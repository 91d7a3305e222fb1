/** What the holder of one token sees does not depend on what happens where he has no rights. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { listen } from '../support/stream.ts'
import { bearer, startServerWithRights } from '../support/tokens.ts'
import { Party, type Step, Watching, WORK } from '../support/two-boards.ts'

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ who: fc.constantFrom('own', 'foreign'), work: fc.constantFrom(...WORK), n: fc.nat(7) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ who: fc.constant('own' as const), work: fc.constantFrom('cut', 'join'), n: fc.nat(7) }),
  },
)

/** Carries out the steps, those of the others only in their world, and resolves to what was seen. */
async function seenIn(world: 'alone' | 'with others', steps: readonly Step[]): Promise<string[][]> {
  await using server = await startServerWithRights({ maxStreams: 100, hasSocketIo: true })
  const foreign = world === 'alone' ? null : await Party.start(server, 'foreign')
  // On a channel that both have, with other rights.
  await using neighbour = foreign && (await listen(server.url, '/sse', { headers: bearer(foreign.token) }))
  const own = await Party.start(server, 'own')
  await using watching = await Watching.start(server, own, 'own')
  let since = await own.do('topic', 0)
  for (const { who, work, n } of steps) {
    if (work === 'cut') await watching.cutOrResume(n)
    else if (work === 'join') await watching.joinOrLeave(n, since)
    else if (who === 'foreign') await foreign?.do(work, n)
    else {
      const id = await own.do(work, n)
      if (n % 3 === 0) since = id
    }
  }
  const seen = await watching.end()
  expect(neighbour?.closed ?? false).toBe(false)
  return seen
}

test('[RS14] streams and sockets show the same whether or not others work on another board', {
  timeout: 300_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const [alone, withOthers] = [await seenIn('alone', steps), await seenIn('with others', steps)]
      expect(withOthers).toEqual(alone)
      expect(JSON.stringify(withOthers)).not.toContain('foreign')
    }),
    { numRuns: 12 },
  )
})
