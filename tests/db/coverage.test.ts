/**
 * What is missing from the log, by channel and name.
 *
 *   D21  `oldest` of some channels and names is the first position from which nothing of what they show is missing.
 *   D26  It is exact for what was trimmed last; for the rest it may be too high, never too low.
 *   D27  For events that were trimmed before this was recorded, it is as high as may be necessary.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CoverageLimits } from '../../src/db/coverage.ts'
import type { LogEvent } from '../../src/db/log-event.ts'
import type { Tx } from '../../src/db/store.ts'
import { returnToSchema } from '../support/older-schema.ts'
import { emitLine, TestStore } from '../support/test-store.ts'

const ANY = { maxAgeMs: Infinity, maxEvents: Infinity, maxBytes: Infinity }
const THINGS = ['a', 'b', 'c'] as const
const POSTED = ['said', 'seen', 'sent', 'done', 'made'] as const

const KINDS = ['line', 'output', 'batch', 'session', 'shell', 'topic', 'kept', 'prune', 'reopen'] as const
const act = fc.record({
  kind: fc.constantFrom(...KINDS, 'line', 'topic', 'prune'),
  thing: fc.constantFrom(...THINGS),
  name: fc.constantFrom(...POSTED),
  count: fc.integer({ min: 1, max: 5 }),
})
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never

const channel = fc.constantFrom(
  'global',
  'dashboard',
  'project:a',
  'workflow:run:a',
  ...THINGS.flatMap((id) =>
    ['board', 'attempt', 'agent', 'session', 'shell:terminal', 'topic'].map((kind) => `${kind}:${id}`),
  ),
)
const passing = fc.option(
  fc.subarray(
    ['attempt_log', 'output', 'output_batch', 'session.', 'shell.', 'attempt.log', 'card_', 'agent.', ...POSTED, 's'],
    { maxLength: 4 },
  ),
)

describe('what was trimmed', () => {
  test('[D21] [D26] `oldest` is exact for any channels and names', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), questions(), async (acts, asked) => {
        using db = await TestStore.open()
        for (const one of acts) {
          await doIt(db, one)
          for (const [channels, prefixes] of asked) {
            expect(await oldestOf(db, channels, prefixes)).toBe(modelOf(db, channels, prefixes))
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  test('[D26] beyond the limits `oldest` may be too high but never too low, and the table stays bounded', async () => {
    const limits: CoverageLimits = { rows: 4, names: 3, countEvery: 1 }
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), questions(), async (acts, asked) => {
        using db = await TestStore.open(limits)
        for (const one of acts) {
          await doIt(db, one)
          for (const [channels, prefixes] of asked) {
            const oldest = await oldestOf(db, channels, prefixes)
            expect(oldest).toBeGreaterThanOrEqual(modelOf(db, channels, prefixes))
            expect(oldest).toBeLessThanOrEqual(db.store.bounds.oldest)
          }
          const rows = await db.sql.all<{ channel: string; n: number }>(
            'SELECT channel, count(*) AS n FROM trimmed GROUP BY channel',
          )
          // Those of `global`, and one for each kind and name, are there beside the limit.
          expect(rows.reduce((sum, { n }) => sum + n, 0)).toBeLessThanOrEqual(limits.rows + 16)
          for (const { channel, n } of rows)
            if (channel.startsWith('topic:')) expect(n).toBeLessThanOrEqual(limits.names)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('[D26] beyond the limit, the channels trimmed first are merged into one row for their kind', async () => {
    using db = await TestStore.open({ rows: 6, names: 3, countEvery: 1 })
    for (let n = 1; n <= 9; n++) {
      await db.store.transact(async (tx) => {
        const sessionId = `s${n}`
        tx.emit('session.stream_output', { agentId: 'a', sessionId, content: 'x', type: 'stdout' })
      })
    }
    for (let step = 0; step < 10; step++) await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 0 }, 1))
    expect(await oldestOf(db, ['session:s9'], null)).toBe(9)
    const folded = await oldestOf(db, ['session:never'], null)
    expect(folded).toBeGreaterThan(0)
    expect(folded).toBeLessThan(9)
    for (let n = 1; n <= 9; n++) {
      expect(await oldestOf(db, [`session:s${n}`], null)).toBeGreaterThanOrEqual(Math.max(n, folded))
    }
    expect(await oldestOf(db, ['session:s1'], ['session.created'])).toBe(0)
    expect(await oldestOf(db, ['board:s1', 'shell:terminal:s1'], null)).toBe(0)
  })

  test('[D26] very many event names on one topic leave the other channels exact', async () => {
    using db = await TestStore.open()
    await db.store.transact(async (tx) => {
      for (let n = 0; n < 1_000; n++) tx.emit('topic.event', { topic: 'many', event: `name${n}`, data: n })
      tx.emit('topic.event', { topic: 'one', event: 'name0', data: 0 })
    })
    for (let step = 0; step < 30; step++) await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 0 }, 50))
    const rows = await db.sql.get<{ n: number }>("SELECT count(*) AS n FROM trimmed WHERE channel = 'topic:many'")
    expect(rows?.n).toBeLessThanOrEqual(100)
    expect(await oldestOf(db, ['topic:many'], ['name999'])).toBe(1_000)
    expect(await oldestOf(db, ['topic:many'], ['name0'])).toBeGreaterThanOrEqual(1)
    expect(await oldestOf(db, ['topic:one'], ['name0'])).toBe(1_001)
    expect(await oldestOf(db, ['topic:other', 'board:many'], null)).toBe(0)
  })

  test('[D21] `oldest` changes when the trimming is committed, and not at all when COMMIT fails', async () => {
    using db = await TestStore.open()
    await db.say('a', '1', '2', '3')
    db.sql.failOn = (text) => (text === 'COMMIT' ? new Error('disk full') : undefined)
    await expect(db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 1 }, 100))).rejects.toMatchObject({
      code: 'storage_unavailable',
    })
    db.sql.failOn = () => undefined
    expect(await oldestOf(db, ['board:a'], null)).toBe(0)
    await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 1 }, 100))
    expect(await oldestOf(db, ['board:a'], null)).toBe(2)
  })

  test('[D26] a trimmed event of an unknown type counts for every channel', async () => {
    using db = await TestStore.open()
    await db.say('a', '1', '2')
    await db.sql.run("UPDATE events SET type = 'of.tomorrow' WHERE seq = 1")
    await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 0 }, 100))
    for (const name of ['session:x', 'project:y']) expect(await oldestOf(db, [name], ['x'])).toBe(1)
    expect(await oldestOf(db, ['board:a'], null)).toBe(2)
  })

  test('[D20] long events are trimmed a few at a time', async () => {
    using db = await TestStore.open()
    await db.say('a', ...Array.from({ length: 8 }, () => 'x'.repeat(1_000_000)))
    const steps: unknown[] = []
    do steps.push(db.store.bounds.oldest)
    while (await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 0 }, 100)))
    expect(steps).toEqual([0, 3, 6])
    expect(db.transient).toEqual({ events: 0, bytes: 0 })
  })
})

describe('a database of an earlier version', () => {
  test('[D27] a database that was trimmed before this table existed reports as missing what may be, and no more', async () => {
    using db = await TestStore.open()
    await db.say('a', '1', '2', '3')
    await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 1 }, 100))
    await returnToSchema(db.sql, 4)
    await db.reopen()
    for (const channel of ['global', 'board:x', 'attempt:x', 'agent:x', 'session:x', 'shell:terminal:x', 'topic:x']) {
      expect(await oldestOf(db, [channel], null), channel).toBe(2)
    }
    for (const channel of ['project:a', 'issue:a', 'workflow:run:a', 'dashboard', 'metrics', '*']) {
      expect(await oldestOf(db, [channel], null), channel).toBe(0)
    }
    expect(await oldestOf(db, ['board:a', 'agent:a', 'attempt:a'], ['card_', 'agent_', 'attempt_status'])).toBe(0)
    expect(await oldestOf(db, ['board:a'], ['attempt_'])).toBe(2)
    expect(await oldestOf(db, ['topic:a'], ['any'])).toBe(2)
    await db.say('a', '4', '5')
    await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 1 }, 100))
    expect(await oldestOf(db, ['board:a'], null)).toBe(4)
    expect(await oldestOf(db, ['board:b'], null)).toBe(2)
  })

  test('[D27] a database that was never trimmed is complete', async () => {
    using db = await TestStore.open()
    await db.say('a', '1', '2', '3')
    await returnToSchema(db.sql, 4)
    await db.reopen()
    expect(await oldestOf(db, ['global'], null)).toBe(0)
    await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: 1 }, 100))
    expect(await oldestOf(db, ['board:a'], null)).toBe(2)
    expect(await oldestOf(db, ['board:b', 'topic:a'], null)).toBe(0)
  })
})

function questions() {
  return fc.array(fc.tuple(fc.uniqueArray(channel, { minLength: 1, maxLength: 9 }), passing), {
    minLength: 1,
    maxLength: 4,
  })
}

function oldestOf(db: TestStore, channels: readonly string[], prefixes: readonly string[] | null): Promise<number> {
  return db.store.read((snapshot) => snapshot.oldestOf(channels, passesOf(prefixes)))
}

function passesOf(prefixes: readonly string[] | null): ((name: string) => boolean) | null {
  return prefixes && ((name) => prefixes.some((prefix) => name.startsWith(prefix)))
}

/** The newest of all that ever showed on the channels under such a name and is gone. */
function modelOf(db: TestStore, channels: readonly string[], prefixes: readonly string[] | null): number {
  const passes = passesOf(prefixes)
  const { oldest } = db.store.bounds
  const gone = db.published
    .flat()
    .filter((event) => event.seq <= oldest && event.type !== 'board.updated')
    .filter((event) => showsOf(event).some(([at, name]) => channels.includes(at) && (!passes || passes(name))))
  return gone.at(-1)?.seq ?? 0
}

/** On which channels an event shows, and how it is called there: written down a second time, by hand. */
function showsOf({ type, payload }: LogEvent): Array<readonly [channel: string, name: string]> {
  switch (type) {
    case 'attempt.log.appended':
      return [
        [`board:${payload.boardId}`, 'attempt_log'],
        [`attempt:${payload.attemptId}`, 'attempt_log'],
        [`agent:${payload.agentId}`, 'output_batch'],
        ['global', type],
      ]
    case 'agent.output':
    case 'agent.output.batch':
      return [
        [`agent:${payload.agentId}`, type === 'agent.output' ? 'output' : 'output_batch'],
        ['global', type],
      ]
    case 'session.stream_output':
      return [`session:${payload.sessionId}`, 'global'].map((at) => [at, type] as const)
    case 'shell.output':
      return [`shell:terminal:${payload.shellId}`, 'global'].map((at) => [at, type] as const)
    case 'topic.event':
      return [`topic:${payload.topic}`, 'global'].map((at) => [at, String(payload.event)] as const)
    default:
      return []
  }
}

async function doIt(db: TestStore, { kind, thing, name, count }: Act): Promise<void> {
  if (kind === 'reopen') await db.reopen()
  else if (kind === 'prune') await db.store.transact((tx) => tx.trimLog({ ...ANY, maxEvents: count - 1 }, 3))
  else {
    await db.store.transact(async (tx) => {
      for (let n = 0; n < count; n++) EMIT[kind](tx, thing, name)
    })
  }
}

type Emitted = Exclude<Act['kind'], 'prune' | 'reopen'>

const EMIT: Readonly<Record<Emitted, (tx: Tx, thing: string, name: string) => void>> = {
  line: (tx, thing) => emitLine(tx, thing, 'x'),
  output: (tx, agentId) => tx.emit('agent.output', { agentId, timestamp: 1, content: 'x' }),
  batch: (tx, agentId) => tx.emit('agent.output.batch', { agentId, timestamp: 1, lines: ['x'] }),
  session: (tx, sessionId) =>
    tx.emit('session.stream_output', { agentId: sessionId, sessionId, content: 'x', type: 'stdout' }),
  shell: (tx, shellId) => tx.emit('shell.output', { shellId, data: 'x' }),
  topic: (tx, topic, event) => tx.emit('topic.event', { topic, event, data: null }),
  kept: (tx, boardId) => tx.emit('board.updated', { boardId, changes: { name: 'n' } }),
}
