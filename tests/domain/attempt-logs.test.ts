import fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { formatCursor } from '../../shared/src/cursor.ts'
import { instant, timestamp } from '../../shared/src/types/time.ts'
import { Problem } from '../../src/base/errors.ts'
import { appendLines, readLines } from '../../src/domain/attempt-logs.ts'
import { updateAttempt } from '../../src/domain/attempts.ts'
import { appendItem } from '../../src/domain/conversation.ts'
import { setUpWorld, T0, T1 } from './attempts-fixture.ts'

const world = setUpWorld()

const numbered = (count: number, from = 0) => Array.from({ length: count }, (_, i) => ({ message: `line ${from + i}` }))
const append = (id: string, lines: Parameters<typeof appendLines>[2]) => world.act((tx) => appendLines(tx, id, lines))
const read = (id: string, asked: Partial<Parameters<typeof readLines>[2]> = {}) =>
  world.store.read((snapshot) => readLines(snapshot, id, { limit: 100, ...asked }))
/** Counted one by one. */
const keptLines = async (id: string) => {
  let lines = 0
  let after: string | undefined
  for (let more = true; more; ) {
    const page = await read(id, { limit: 1_000, after })
    lines += page.lines.length
    after = page.cursor
    more = page.more
  }
  return lines
}
const messages = (page: { lines: ReadonlyArray<{ message: string }> }) => page.lines.map(({ message }) => message)

describe('appending lines', () => {
  it('[O1] emits one event per line, in order, with level and time filled in', async () => {
    const { id } = await world.attempt('a')
    const lines = [{ message: 'one' }, { message: 'two', level: 'error', ts: T1, stream: 'stderr' }] as const
    expect(await append(id, lines)).toBe(2)
    const about = { boardId: 'demo', cardId: 'a', agentId: 'claude-1', attemptId: id }
    expect(await world.news()).toEqual([
      { type: 'attempt.log.appended', payload: { ...about, level: 'info', message: 'one', ts: T0 } },
      { type: 'attempt.log.appended', payload: { ...about, ...lines[1] } },
    ])
  })

  it('[O2] records the time of the last line, and does not touch updatedAt', async () => {
    const { id } = await world.attempt('a')
    vi.setSystemTime(T1)
    await append(id, [{ message: 'x', ts: T0 }])
    const row = await world.sql.get('SELECT last_line_at, updated_at FROM attempts WHERE id = ?', [id])
    expect(row).toEqual({ last_line_at: T1, updated_at: T0 })
  })

  it('[O2] records it again when ten seconds have passed', async () => {
    const { id } = await world.attempt('a')
    const noted = async () =>
      (await world.sql.get<{ at: string }>('SELECT last_line_at AS at FROM attempts WHERE id = ?', [id]))?.at
    vi.setSystemTime(T1)
    await append(id, [{ message: 'first' }])
    vi.setSystemTime(Date.parse(T1) + 9_999)
    await append(id, [{ message: 'soon after' }])
    expect(await noted()).toBe(T1)
    vi.setSystemTime(Date.parse(T1) + 10_000)
    await append(id, [{ message: 'later' }])
    expect(await noted()).toBe(new Date(Date.parse(T1) + 10_000).toISOString())
  })

  it('[O3] accepts lines of an attempt that has ended', async () => {
    const { id } = await world.attempt('a', { status: 'running' })
    await world.act((tx) => updateAttempt(tx, id, { status: 'succeeded' }))
    expect(await append(id, [{ message: 'flushed' }])).toBe(1)
    expect(messages(await read(id))).toEqual(['flushed'])
  })

  it('[O4] returns text unchanged', async () => {
    const { id } = await world.attempt('a')
    const texts = ['', '\u0000', '\u001b[31mred\u001b[0m', '\ud800', 'a\r\nb\u2028c', '😀', '{"data":1}\n\nid: 9']
    await append(
      id,
      texts.map((message) => ({ message })),
    )
    expect(messages(await read(id))).toEqual(texts)
    expect(messages(await read(id, { tail: 100 }))).toEqual(texts)
  })

  it('[O5] does not find an unknown attempt', async () => {
    expect((await world.refused((tx) => appendLines(tx, 'no', [{ message: 'x' }]))).code).toBe('attempt_not_found')
    await expect(read('no')).rejects.toMatchObject({ code: 'attempt_not_found' })
  })
})

describe('reading lines', () => {
  it('[O15] counts a long log in several reads, and only once', async () => {
    const { id } = await world.attempt('a')
    for (let i = 0; i < 50; i++) await append(id, numbered(1_000, i * 1_000))
    const runs: number[] = []
    const counted = (asked: object) => {
      let run = 0
      const work = world.store.read((snapshot) => {
        run += 1
        return readLines(snapshot, id, { limit: 100, ...asked })
      })
      return work.finally(() => runs.push(run))
    }
    expect((await counted({ tail: 1 })).count).toBe(50_000)
    expect((await counted({ tail: 1 })).count).toBe(50_000)
    await append(id, numbered(1))
    expect((await counted({ tail: 1 })).count).toBe(50_001)
    expect((await counted({})).count).toBe(100)
    expect(runs).toEqual([2, 1, 1, 1])
  })

  it('[O6] returns lines with their ids, the cursor for the next page, and whether there are more', async () => {
    const { id } = await world.attempt('a')
    const { epoch, head } = world.store
    await append(id, [{ message: 'one', stream: 'stdout' }, { message: 'two' }])
    const first = { id: formatCursor(epoch, head + 1), level: 'info', message: 'one', ts: T0, stream: 'stdout' }
    const second = { id: formatCursor(epoch, head + 2), level: 'info', message: 'two', ts: T0 }
    expect(await read(id)).toStrictEqual({ lines: [first, second], cursor: second.id, more: false, count: 2 })
    expect(await read(id, { limit: 1 })).toStrictEqual({ lines: [first], cursor: first.id, more: true, count: 1 })
    expect(await read(id, { limit: 1, after: first.id })).toStrictEqual({
      lines: [second],
      cursor: second.id,
      more: false,
      count: 2,
    })
    expect(await read(id, { after: second.id })).toStrictEqual({ lines: [], cursor: second.id, more: false, count: 2 })
  })

  it('[O6] returns, without lines, the id up to which there are none', async () => {
    const { id } = await world.attempt('a')
    expect(await read(id)).toEqual({
      lines: [],
      cursor: formatCursor(world.store.epoch, world.store.head),
      more: false,
      count: 0,
    })
    expect(await read(id, { tail: 5 })).toEqual(await read(id))
  })

  it('[O7] pages through every line once, whatever is between them and however large the pages are', async () => {
    const other = await world.attempt('b')
    const step = fc.constantFrom('line', 'lines', 'item', 'other')
    const cases = fc.asyncProperty(
      fc.array(step, { maxLength: 30 }),
      fc.integer({ min: 1, max: 12 }),
      async (steps, limit) => {
        const { id } = await world.attempt('a')
        const wanted: string[] = []
        for (const [index, kind] of steps.entries()) {
          const lines = numbered(kind === 'line' ? 1 : kind === 'lines' ? 5 : 0, index * 10)
          if (kind === 'item') await world.act((tx) => appendItem(tx, id, { type: 'error', text: 'x' }))
          else if (kind === 'other') await append(other.id, numbered(2))
          else await append(id, lines)
          wanted.push(...lines.map(({ message }) => message))
        }
        let page = await read(id, { limit })
        const got = messages(page)
        expect(page.count).toBe(got.length)
        while (page.more) {
          page = await read(id, { limit, after: page.cursor })
          expect(page.lines.length).toBeGreaterThan(0)
          got.push(...messages(page))
          expect(page.count).toBe(got.length)
        }
        expect(got).toEqual(wanted)
        const last = await read(id, { tail: limit })
        expect(messages(last)).toEqual(wanted.slice(-limit))
        expect(last.count).toBe(wanted.length)
        const ids = (await read(id, { limit: 1_000 })).lines.map((line) => line.id)
        for (let index = ids.length - 1; index >= 0; index -= limit) {
          const earlier = await read(id, { before: ids[index], tail: limit })
          expect(messages(earlier)).toEqual(wanted.slice(Math.max(index - limit, 0), index))
          expect([earlier.count, earlier.more]).toEqual([index, false])
        }
        // Only then may the card have the attempt of the next case.
        await world.act((tx) => updateAttempt(tx, id, { status: 'failed' }))
      },
    )
    await fc.assert(cases, { numRuns: 40 })
  })

  it('[O8] returns the last lines, oldest first, and continues from there', async () => {
    const { id } = await world.attempt('a')
    await append(id, numbered(300))
    const page = await read(id, { tail: 200 })
    expect(messages(page)).toEqual(numbered(200, 100).map(({ message }) => message))
    expect(page).toMatchObject({ cursor: page.lines.at(-1)?.id, more: false })
    await append(id, numbered(1, 300))
    expect(messages(await read(id, { after: page.cursor }))).toEqual(['line 300'])
  })

  it('[O14] reads what is between two ids, in pages', async () => {
    const { id } = await world.attempt('a')
    await append(id, numbered(10))
    const ids = (await read(id)).lines.map((line) => line.id)
    const [after, before] = [ids[1], ids[7]]
    const page = await read(id, { after, before, limit: 3 })
    expect([messages(page), page.more, page.count]).toEqual([['line 2', 'line 3', 'line 4'], true, 5])
    const rest = await read(id, { after: page.cursor, before, limit: 3 })
    expect([messages(rest), rest.more, rest.count]).toEqual([['line 5', 'line 6'], false, 7])
    expect(await read(id, { before, limit: 3 })).toEqual(await read(id, { before, tail: 3 }))
    for (const nothing of [await read(id, { after: before, before: after }), await read(id, { before: ids[0] })]) {
      expect([nothing.lines, nothing.more]).toEqual([[], false])
    }
    expect((await read(id, { before: ids[0] })).count).toBe(0)
  })

  it('[O15] counts the lines that are kept: trimmed ones count no more', async () => {
    const { id } = await world.attempt('a')
    const other = await world.attempt('b')
    for (let i = 0; i < 30; i++) {
      await append(id, numbered(1_000, i * 1_000))
      await append(other.id, numbered(1))
      await world.act((tx) => appendItem(tx, id, { type: 'error', text: 'x' }))
    }
    const policy = { maxAgeMs: Infinity, maxEvents: Infinity, maxBytes: Infinity }
    let { count } = await read(id, { tail: 1 })
    expect(count).toBe(30_000)
    for (const maxEvents of [29_990, 25_000, 24_999, 12_345, 300]) {
      while (await world.act((tx) => tx.trimLog({ ...policy, maxEvents }, 10_000)));
      const all = await read(id, { tail: 1 })
      expect(all.count).toBeLessThan(count)
      expect(all.count).toBe(await keptLines(id))
      const first = await read(id, { limit: 7 })
      expect(first.count).toBe(7)
      const middle = await read(id, { before: all.lines[0]?.id, tail: 5 })
      expect(middle.count).toBe(all.count - 1)
      count = all.count
    }
  })

  it('[O9] refuses a before like an after', async () => {
    const { id } = await world.attempt('a')
    for (const before of ['7', `${world.store.epoch}-01`, formatCursor(world.store.epoch, world.store.head + 1)]) {
      const error = await read(id, { before, tail: 1 }).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'bad_request', message: expect.stringMatching(/^before /) })
    }
  })

  it('[O9] refuses an after that is not an id, is of another log, or is ahead of the log', async () => {
    const { id } = await world.attempt('a')
    const { epoch, head } = world.store
    const other = epoch === '00000000' ? '00000001' : '00000000'
    for (const after of ['', '7', `${epoch}-`, `${epoch}-01`, `${other}-1`, formatCursor(epoch, head + 1)]) {
      const error = await read(id, { after }).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(Problem)
      expect(error).toMatchObject({ code: 'bad_request', message: expect.stringMatching(/^after /) })
    }
  })

  it('[O10] cuts a page of long lines short, reports more, and loses none', async () => {
    const { id } = await world.attempt('a')
    const long = Array.from({ length: 100 }, (_, i) => ({ message: String.fromCharCode(97 + (i % 26)).repeat(65_536) }))
    await append(id, long)
    const sizes: number[] = []
    const got: string[] = []
    let after: string | undefined
    for (let more = true; more; ) {
      const page = await read(id, { limit: 1_000, after })
      got.push(...messages(page))
      sizes.push(page.lines.length)
      after = page.cursor
      more = page.more
    }
    expect(got).toEqual(long.map(({ message }) => message))
    expect(Math.max(...sizes)).toBeLessThan(70)
    const tail = messages(await read(id, { tail: 1_000 }))
    expect(tail).toEqual(got.slice(-tail.length))
    expect(tail.length).toBeLessThan(130)
  })

  it('[O11] scans a bounded number of other events per page, and still reaches the end', async () => {
    const { id } = await world.attempt('a')
    await append(id, numbered(1))
    for (let i = 0; i < 60; i++) {
      await world.act(async (tx) => {
        for (let j = 0; j < 100; j++) await appendItem(tx, id, { id: String(j), type: 'error', text: 'x' })
      })
    }
    await append(id, numbered(1, 1))
    const got: string[] = []
    let after: string | undefined
    let pages = 0
    for (let more = true; more; pages++) {
      const page = await read(id, { limit: 10, after })
      got.push(...messages(page))
      after = page.cursor
      more = page.more
    }
    expect(got).toEqual(['line 0', 'line 1'])
    expect(pages).toBe(2)
  })

  it('[O12] pages an attempt of 100,000 lines', async () => {
    const { id } = await world.attempt('a')
    for (let i = 0; i < 100; i++) await append(id, numbered(1_000, i * 1_000))
    let count = 0
    let after: string | undefined
    for (let more = true; more; ) {
      const page = await read(id, { limit: 1_000, after })
      expect(page.lines[0]?.message).toBe(`line ${count}`)
      count += page.lines.length
      after = page.cursor
      more = page.more
    }
    expect(count).toBe(100_000)
    expect(messages(await read(id, { tail: 2 }))).toEqual(['line 99998', 'line 99999'])
  })
})

describe('the time of a line', () => {
  it('[O13] may have any offset and precision, and is kept in UTC with milliseconds', () => {
    const given = [
      '2026-01-31T12:00:00.000Z',
      '2026-01-31T14:00:00+02:00',
      '2026-01-31T12:00:00.0001234Z',
      '2026-01-31T12:00:00Z',
    ]
    expect(given.map((text) => instant.parse(text))).toEqual(given.map(() => T0))
  })

  it('[O13] is stored in the format of events, whatever was given', () => {
    const moment = fc.date({ min: new Date('0001-01-02'), max: new Date('9999-12-30'), noInvalidDate: true })
    fc.assert(
      fc.property(moment, (date) => {
        expect(timestamp.parse(instant.parse(date.toISOString()))).toBe(date.toISOString())
        expect(instant.parse(date.toISOString().replace('Z', '+00:00'))).toBe(date.toISOString())
      }),
    )
  })

  it.each(['2026-02-30T12:00:00.000Z', '2026-01-31', 'now', '9999-12-31T23:59:59-01:00', '0000-01-01T00:00:00+01:00'])(
    '[O13] is refused as %s',
    (text) => {
      expect(instant.safeParse(text).success).toBe(false)
    },
  )
})
