import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { metrics as metricsSchema } from '../../shared/src/types/metrics.ts'
import { countEventsAfter } from '../../src/db/rows/metrics.ts'
import { registerAgent } from '../../src/domain/agents.ts'
import { expireMessages, sendMessage } from '../../src/domain/messages.ts'
import { metricsSnapshot } from '../../src/domain/metrics.ts'
import { createSession, updateSession } from '../../src/domain/sessions.ts'
import { createTask, updateTask } from '../../src/domain/tasks.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'
import { putAttempt, putBoard, putCard } from './rows.ts'

const T0 = '2026-01-31T12:00:00.000Z'
const T0_MS = Date.parse(T0)
const HOUR_S = 3_600
let db: BoardStore

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: T0_MS })
  db = await openBoardStore()
})
afterEach(async () => {
  await db.close()
  vi.useRealTimers()
})

const at = (seconds: number) => vi.setSystemTime(T0_MS + seconds * 1_000)
const figures = () => metricsSnapshot(db.sql, Date.now())
const send = () => db.do((tx) => sendMessage(tx, { from_agent: 'a', content: 'x', ttl_seconds: 1 }))

test('[MT1] are all zero on an empty server', async () => {
  const none = await figures()
  expect(none).toEqual({
    active_sessions: 0,
    active_agents: 0,
    pending_tasks: 0,
    running_tasks: 0,
    completed_tasks_last_hour: 0,
    messages_last_hour: 0,
    actions_per_minute: 0,
    avg_task_duration_ms: 0,
    timestamp: T0_MS,
  })
  expect(metricsSchema.parse(none)).toEqual(none)
})

test('[MT2] count the sessions that have not ended', async () => {
  for (const status of ['idle', 'working', 'completed', 'error', 'cancelled'] as const) {
    const { id } = await db.do((tx) => createSession(tx, {}))
    await db.do((tx) => updateSession(tx, id, { status }))
  }
  expect((await figures()).active_sessions).toBe(2)
})

test('[MT3] count the registered agents that are online or working', async () => {
  await putBoard(db.sql, 'demo')
  for (const card of ['a', 'b', 'c']) await putCard(db.sql, card, 'demo.0')
  for (const id of ['seen', 'queued', 'running', 'ended']) await db.do((tx) => registerAgent(tx, { id }))
  await putAttempt(db.sql, { id: 'att1', card: 'a', status: 'queued', createdAt: T0, agent: 'queued' })
  await putAttempt(db.sql, { id: 'att2', card: 'b', status: 'stopping', createdAt: T0, agent: 'running' })
  await putAttempt(db.sql, { id: 'att3', card: 'c', status: 'failed', createdAt: T0, agent: 'ended' })
  at(60)
  expect((await figures()).active_agents).toBe(4)
  at(60.001)
  expect((await figures()).active_agents).toBe(2)
})

describe('tasks', () => {
  test('[MT4] are counted while pending and while running', async () => {
    for (const status of ['pending', 'pending', 'running', 'blocked', 'failed', 'completed'] as const) {
      await db.do((tx) => createTask(tx, { name: 'x', status }))
    }
    expect(await figures()).toMatchObject({ pending_tasks: 2, running_tasks: 1, completed_tasks_last_hour: 1 })
  })

  test('[MT5] completed in the last hour are counted, with the average of their durations', async () => {
    const tasks = []
    for (let i = 0; i < 4; i++) tasks.push(await db.do((tx) => createTask(tx, { name: 'x' })))
    const [first, second, third, failed] = tasks.map(({ task_id }) => task_id) as [string, string, string, string]
    const end = (id: string, status: 'completed' | 'failed') => db.do((tx) => updateTask(tx, id, { status }))
    at(10)
    await end(first, 'completed')
    await end(failed, 'failed')
    at(20)
    await end(second, 'completed')
    await db.do((tx) => updateTask(tx, second, { name: 'changed afterwards' }))
    at(25.001)
    await end(third, 'completed')
    expect(await figures()).toMatchObject({ completed_tasks_last_hour: 3, avg_task_duration_ms: 18_334 })
    at(HOUR_S + 10)
    expect(await figures()).toMatchObject({ completed_tasks_last_hour: 2, avg_task_duration_ms: 22_501 })
    at(HOUR_S + 25.001)
    expect(await figures()).toMatchObject({ completed_tasks_last_hour: 0, avg_task_duration_ms: 0 })
  })
})

test('[MT6] count the messages of the last hour, also those that have expired', async () => {
  await send()
  await send()
  at(30)
  await send()
  await db.do((tx) => expireMessages(tx, Date.now() + 1_000, 9))
  expect((await figures()).messages_last_hour).toBe(3)
  at(HOUR_S - 1)
  expect((await figures()).messages_last_hour).toBe(3)
  at(HOUR_S)
  expect((await figures()).messages_last_hour).toBe(1)
  await send()
  expect(await db.sql.all('SELECT * FROM messages_sent')).toHaveLength(2)
})

describe('actions per minute', () => {
  test('[MT7] are the events of the last five minutes, divided by five', async () => {
    for (let i = 0; i < 7; i++) {
      at(i)
      await send()
    }
    expect((await figures()).actions_per_minute).toBe(7 / 5)
    at(300)
    expect((await figures()).actions_per_minute).toBe(6 / 5)
    at(306)
    expect((await figures()).actions_per_minute).toBe(0)
  })

  test.each([0, 1, 2, 3, 100, 257])('[MT7] finds the first of %i events by binary search', async (count) => {
    for (let i = 0; i < count; i++) {
      at(i)
      await send()
    }
    for (let i = -1; i <= count; i++) {
      expect(await countEventsAfter(db.sql, T0_MS + i * 1_000)).toBe(Math.max(0, count - 1 - i))
    }
  })

  test('[MT7] do not count what retention has trimmed at the beginning of that time', async () => {
    for (let i = 0; i < 40; i++) {
      at(i)
      await send()
    }
    await db.sql.run('DELETE FROM events WHERE seq BETWEEN 5 AND 30')
    expect(await countEventsAfter(db.sql, T0_MS + 3_000)).toBe(10)
    expect(await countEventsAfter(db.sql, T0_MS + 20_000)).toBe(10)
    expect(await countEventsAfter(db.sql, T0_MS + 35_000)).toBe(4)
    expect(await countEventsAfter(db.sql, T0_MS + 2_000)).toBe(37)
  })
})
