import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { formatCursor } from '../../shared/src/cursor.ts'
import { appendOutput, type PostedOutput, readOutput } from '../../src/domain/agent-output.ts'
import { getAgent, listAgents, noteHeartbeat, registerAgent } from '../../src/domain/agents.ts'
import { appendLines } from '../../src/domain/attempt-logs.ts'
import { appendItem } from '../../src/domain/conversation.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'
import { putAttempt, putBoard, putCard } from './rows.ts'

const T0 = '2026-01-31T12:00:00.000Z'
const T0_MS = Date.parse(T0)
const T1_MS = T0_MS + 600_000
let db: BoardStore

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: T0_MS })
  db = await openBoardStore()
})
afterEach(async () => {
  await db.close()
  vi.useRealTimers()
})

const append = (id: string, posted: PostedOutput) => db.do(async (tx) => appendOutput(tx, id, posted))
const read = (id: string, asked: Partial<Parameters<typeof readOutput>[2]> = {}) =>
  db.store.read((snapshot) => readOutput(snapshot, id, { limit: 100, ...asked }))
const idOf = (seq: number) => formatCursor(db.store.epoch, seq)

describe('printing', () => {
  test('[AO3] content is one event, unchanged, with the time of the commit', async () => {
    expect(await append('bot', { content: 'one\ntwo\r\n\u0000\ud800' })).toBe(1)
    expect(await db.said()).toEqual([
      { type: 'agent.output', payload: { agentId: 'bot', timestamp: T0_MS, content: 'one\ntwo\r\n\u0000\ud800' } },
    ])
  })

  test('[AO4] lines are one event, however many', async () => {
    const lines = Array.from({ length: 1_000 }, (_, n) => `line ${n}`)
    expect(await append('bot', { lines })).toBe(1_000)
    expect(await db.said()).toEqual([
      { type: 'agent.output.batch', payload: { agentId: 'bot', timestamp: T0_MS, lines } },
    ])
  })

  test.each(['', 'a b', 'a\n', 'a/b', 'ä', 'x'.repeat(201)])('[AO7] %j is not an agent id', async (id) => {
    for (const work of [
      (tx: Parameters<Parameters<BoardStore['do']>[0]>[0]) =>
        Promise.resolve().then(() => appendOutput(tx, id, { content: '' })),
      (tx: Parameters<Parameters<BoardStore['do']>[0]>[0]) => noteHeartbeat(tx, id),
    ]) {
      const { message } = await db.refused('invalid_channel', work)
      expect(message).toContain(JSON.stringify(id))
    }
    await expect(read(id)).rejects.toMatchObject({ code: 'invalid_channel' })
  })
})

describe('reading', () => {
  test('[AO9] returns posts and lines of attempts in order, and nothing else', async () => {
    await putBoard(db.sql, 'demo')
    await putCard(db.sql, 'a', 'demo.0')
    await putAttempt(db.sql, { id: 'att', card: 'a', status: 'running', createdAt: T0, agent: 'bot' })
    await append('bot', { content: 'first' })
    await append('other', { content: 'not this' })
    await db.do((tx) => appendItem(tx, 'att', { type: 'error', text: 'nor this' }))
    await db.do((tx) => appendLines(tx, 'att', [{ message: 'of the attempt' }, { message: 'and more' }]))
    await append('bot', { lines: ['a', 'b'] })
    const items = [
      { id: idOf(1), timestamp: T0_MS, content: 'first' },
      { id: idOf(4), timestamp: T0_MS, lines: ['of the attempt'] },
      { id: idOf(5), timestamp: T0_MS, lines: ['and more'] },
      { id: idOf(6), timestamp: T0_MS, lines: ['a', 'b'] },
    ]
    expect(await read('bot')).toStrictEqual({ items, cursor: idOf(6), more: false, count: 4 })
    expect(await read('bot', { limit: 2 })).toStrictEqual({
      items: items.slice(0, 2),
      cursor: idOf(4),
      more: true,
      count: 2,
    })
    expect(await read('bot', { after: idOf(4) })).toStrictEqual({
      items: items.slice(2),
      cursor: idOf(6),
      more: false,
      count: 4,
    })
    expect(await read('bot', { tail: 2 })).toStrictEqual({
      items: items.slice(2),
      cursor: idOf(6),
      more: false,
      count: 4,
    })
    expect(await read('nobody')).toStrictEqual({ items: [], cursor: idOf(6), more: false, count: 0 })
  })

  test('[AO9] finds the last output of an agent, although only other events follow it', async () => {
    await putBoard(db.sql, 'demo')
    await putCard(db.sql, 'a', 'demo.0')
    await putAttempt(db.sql, { id: 'att', card: 'a', status: 'running', createdAt: T0, agent: 'bot' })
    await append('bot', { content: 'first' })
    for (let n = 0; n < 5; n++) {
      await db.do((tx) =>
        appendLines(
          tx,
          'att',
          Array.from({ length: 100 }, (_, at) => ({ message: `${n * 100 + at}` })),
        ),
      )
    }
    const { items } = await read('bot', { tail: 501 })
    expect(items.length).toBe(501)
    expect(items[0]).toMatchObject({ content: 'first' })
    expect(items.slice(1).flatMap((item) => ('lines' in item ? item.lines : []))).toEqual(
      Array.from({ length: 500 }, (_, n) => `${n}`),
    )
  })
})

describe('a heartbeat', () => {
  test('[AO2] makes a registered agent online for 60 s, without a stored event', async () => {
    await db.do((tx) => registerAgent(tx, { id: 'bot' }))
    await db.said()
    vi.setSystemTime(T1_MS)
    expect((await getAgent(db.sql, 'bot', T1_MS)).status).toBe('offline')
    await db.do((tx) => noteHeartbeat(tx, 'bot'))
    const at = async (ms: number) => getAgent(db.sql, 'bot', T1_MS + ms)
    expect(await at(0)).toMatchObject({ status: 'online', lastSeenAt: '2026-01-31T12:10:00.000Z', createdAt: T0 })
    expect((await at(60_000)).status).toBe('online')
    expect((await at(60_001)).status).toBe('offline')
    expect(await db.said()).toEqual([])
  })

  test('[AO2] does not register the agent', async () => {
    await db.do((tx) => noteHeartbeat(tx, 'bot'))
    expect(await listAgents(db.sql, T0_MS)).toEqual([])
  })
})
