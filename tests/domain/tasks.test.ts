import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { task as taskSchema, taskStatus } from '../../shared/src/types/tasks.ts'
import { createTask, getTask, listTasks, type NewTask, type TaskChanges, updateTask } from '../../src/domain/tasks.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'

const T0 = '2026-01-31T12:00:00.000Z'
const T1 = '2026-01-31T12:10:00.000Z'
const T2 = '2026-01-31T12:20:00.000Z'
let db: BoardStore

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(T0) })
  db = await openBoardStore()
})
afterEach(async () => {
  await db.close()
  vi.useRealTimers()
})

const create = (given: Partial<NewTask> = {}) => db.do((tx) => createTask(tx, { name: 'Task', ...given }))
const update = (id: string, changes: TaskChanges) => db.do((tx) => updateTask(tx, id, changes))

describe('creating a task', () => {
  test('[TK1] needs only a name: it is pending, in the first wave, without session and request', async () => {
    const task = await create()
    expect(task).toEqual({
      task_id: expect.stringMatching(/^tsk_[0-9a-f-]{36}$/),
      request_id: null,
      session_id: null,
      name: 'Task',
      wave_number: 1,
      status: 'pending',
      created_at: T0,
      completed_at: null,
    })
    expect(taskSchema.parse(task)).toEqual(task)
    expect(await getTask(db.sql, task.task_id)).toEqual(task)
    expect(await db.said()).toEqual([{ type: 'task.created', payload: task }])
  })

  test('[TK1] keeps the given fields, and shows on its session', async () => {
    const given = { name: 'N\u0000 🙂', request_id: 'r', session_id: 's', wave_number: 0, status: 'running' } as const
    const task = await create(given)
    expect(task).toMatchObject(given)
    expect(await getTask(db.sql, task.task_id)).toEqual(task)
    expect(
      (await db.store.read((snapshot) => snapshot.readAfter(['session:s'], 0, 9))).events.map(({ type }) => type),
    ).toEqual(['task.created'])
  })

  test.each(taskStatus.options)('[TK1] may be created %s, which emits one event', async (status) => {
    const { completed_at } = await create({ status })
    expect(completed_at).toBe(status === 'completed' || status === 'failed' ? T0 : null)
    expect((await db.said()).map(({ type }) => type)).toEqual(['task.created'])
  })
})

describe('changing a task', () => {
  const open = ['pending', 'running', 'blocked'] as const
  const ways = open.flatMap((from) => taskStatus.options.filter((to) => to !== from).map((to) => [from, to] as const))

  test.each(ways)('[TK2] goes from %s to %s', async (from, to) => {
    const { task_id } = await create({ status: from, session_id: 's' })
    await db.said()
    vi.setSystemTime(T1)
    const task = await update(task_id, { status: to })
    const hasEnded = to === 'completed' || to === 'failed'
    expect(task).toMatchObject({ status: to, created_at: T0, completed_at: hasEnded ? T1 : null })
    expect(await getTask(db.sql, task_id)).toEqual(task)
    expect(await db.said()).toEqual([{ type: hasEnded ? `task.${to}` : 'task.updated', payload: task }])
  })

  test.each((['completed', 'failed'] as const).flatMap((from) => taskStatus.options.map((to) => [from, to] as const)))(
    '[TK3] does not go from %s to %s',
    async (from, to) => {
      const { task_id } = await create({ status: from })
      const problem = await db.refused('invalid_transition', (tx) => updateTask(tx, task_id, { status: to, name: 'X' }))
      expect(problem.message).toContain(`from ${from} to ${to}`)
    },
  )

  test('[TK4] without effect emits nothing', async () => {
    const task = await create({ session_id: 's' })
    await db.said()
    vi.setSystemTime(T1)
    for (const changes of [{}, { status: 'pending' }, { name: 'Task', session_id: 's', wave_number: 1 }] as const) {
      expect(await update(task.task_id, changes)).toEqual(task)
    }
    expect(await db.said()).toEqual([])
  })

  test('[TK5] of several fields emits one event, named for the status', async () => {
    const { task_id } = await create()
    await db.said()
    const changes = { name: 'New', request_id: 'r', session_id: 's2', wave_number: 7, status: 'failed' } as const
    const task = await update(task_id, changes)
    expect(task).toMatchObject(changes)
    expect(await db.said()).toEqual([{ type: 'task.failed', payload: task }])
    expect((await db.store.read((snapshot) => snapshot.readAfter(['session:s2'], 0, 9))).events.length).toBe(1)
  })

  test('[TK5] of other fields is allowed after the end, and keeps the end', async () => {
    const { task_id } = await create({ status: 'completed' })
    await db.said()
    vi.setSystemTime(T2)
    const task = await update(task_id, { name: 'Renamed' })
    expect(task).toMatchObject({ status: 'completed', name: 'Renamed', completed_at: T0 })
    expect(await db.said()).toEqual([{ type: 'task.updated', payload: task }])
  })

  test('[TK6] an unknown task is refused', async () => {
    await db.refused('task_not_found', (tx) => updateTask(tx, 'tsk_none', { status: 'running' }))
    await expect(getTask(db.sql, 'tsk_none')).rejects.toMatchObject({ code: 'task_not_found' })
  })
})

test('[TK7] tasks are listed newest first, by status, by session, and by both', async () => {
  const a = await create({ name: 'a', session_id: 's' })
  const b = await create({ name: 'b', session_id: 's', status: 'running' })
  const c = await create({ name: 'c' })
  expect(await listTasks(db.sql, {}, 9)).toEqual([c, b, a])
  expect(await listTasks(db.sql, {}, 2)).toEqual([c, b])
  expect(await listTasks(db.sql, { status: 'pending' }, 9)).toEqual([c, a])
  expect(await listTasks(db.sql, { session_id: 's' }, 9)).toEqual([b, a])
  expect(await listTasks(db.sql, { session_id: 's', status: 'running' }, 9)).toEqual([b])
  expect(await listTasks(db.sql, { session_id: 'none' }, 9)).toEqual([])
})
