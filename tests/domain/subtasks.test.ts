import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { subtask as subtaskSchema, subtaskStatus } from '../../shared/src/types/tasks.ts'
import {
  createSubtask,
  getSubtask,
  listSubtasks,
  type NewSubtask,
  type SubtaskChanges,
  updateSubtask,
} from '../../src/domain/subtasks.ts'
import { createTask } from '../../src/domain/tasks.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'

const T0 = '2026-01-31T12:00:00.000Z'
const T1 = '2026-01-31T12:10:00.000Z'
const T2 = '2026-01-31T12:20:00.000Z'
let db: BoardStore
let taskId: string

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(T0) })
  db = await openBoardStore()
  taskId = (await db.do((tx) => createTask(tx, { name: 'Task' }))).task_id
  await db.said()
})
afterEach(async () => {
  await db.close()
  vi.useRealTimers()
})

const create = (given: Partial<NewSubtask> = {}) =>
  db.do((tx) => createSubtask(tx, taskId, { description: 'Do it', ...given }))
const update = (id: string, changes: SubtaskChanges) => db.do((tx) => updateSubtask(tx, id, changes))
/** Types of the events on an agent's channel. */
async function shownTo(agent: string): Promise<string[]> {
  return (await db.store.read((snapshot) => snapshot.readAfter([`agent:${agent}`], 0, 99))).events.map(
    ({ type }) => type,
  )
}

describe('creating a subtask', () => {
  test('[TK8] needs only a description: it is pending, unassigned, and blocked by nothing', async () => {
    const subtask = await create()
    expect(subtask).toEqual({
      subtask_id: expect.stringMatching(/^sub_[0-9a-f-]{36}$/),
      task_id: taskId,
      agent_type: null,
      agent_id: null,
      description: 'Do it',
      status: 'pending',
      blocked_by: [],
      result: null,
      created_at: T0,
      started_at: null,
      completed_at: null,
    })
    expect(subtaskSchema.parse(subtask)).toEqual(subtask)
    expect(await getSubtask(db.sql, subtask.subtask_id)).toEqual(subtask)
    expect(await db.said()).toEqual([{ type: 'subtask.created', payload: subtask }])
  })

  test('[TK9] shows on the channels of its agent and of its kind of agent', async () => {
    await create({ agent_id: 'ann', agent_type: 'coder' })
    await create({ agent_type: 'coder' })
    await create({ agent_id: 'coder', agent_type: 'coder' })
    expect(await shownTo('ann')).toEqual(['subtask.created'])
    expect(await shownTo('coder')).toEqual(['subtask.created', 'subtask.created', 'subtask.created'])
  })

  test('[TK9] shows on the channels of its agent after a change', async () => {
    const { subtask_id } = await create({ agent_id: 'ann' })
    await update(subtask_id, { agent_id: 'bob' })
    await update(subtask_id, { agent_id: null })
    expect(await shownTo('ann')).toEqual(['subtask.created'])
    expect(await shownTo('bob')).toEqual(['subtask.updated'])
  })

  test('[TK6] needs an existing task', async () => {
    await db.refused('task_not_found', (tx) => createSubtask(tx, 'tsk_none', { description: 'x' }))
    await expect(listSubtasks(db.sql, 'tsk_none', 9)).rejects.toMatchObject({ code: 'task_not_found' })
  })

  test('[TK10] keeps any JSON as a result', async () => {
    for (const result of ['text \ud800 \u0000', 0, false, [], { a: [null, { __proto__: null }] }]) {
      const { subtask_id } = await create({ result: result as NewSubtask['result'] })
      const kept = (await getSubtask(db.sql, subtask_id)).result
      expect(JSON.stringify(kept)).toBe(JSON.stringify(result))
    }
  })
})

describe('the status of a subtask', () => {
  test('[TK11] starts when it first runs, and ends when it is completed or fails', async () => {
    const { subtask_id } = await create()
    await db.said()
    vi.setSystemTime(T1)
    expect(await update(subtask_id, { status: 'running' })).toMatchObject({ started_at: T1, completed_at: null })
    expect(await update(subtask_id, { status: 'paused' })).toMatchObject({ started_at: T1, completed_at: null })
    vi.setSystemTime(T2)
    expect(await update(subtask_id, { status: 'running' })).toMatchObject({ started_at: T1 })
    const ended = await update(subtask_id, { status: 'completed', result: { ok: true } })
    expect(ended).toMatchObject({ started_at: T1, completed_at: T2, result: { ok: true } })
    expect(await getSubtask(db.sql, subtask_id)).toEqual(ended)
    const types = ['subtask.updated', 'subtask.updated', 'subtask.updated', 'subtask.completed']
    expect((await db.said()).map(({ type }) => type)).toEqual(types)
  })

  test('[TK11] has no start if it never ran', async () => {
    const { subtask_id } = await create()
    expect(await update(subtask_id, { status: 'failed' })).toMatchObject({ started_at: null, completed_at: T0 })
    expect(await create({ status: 'running' })).toMatchObject({ started_at: T0, completed_at: null })
    expect(await create({ status: 'completed' })).toMatchObject({ started_at: null, completed_at: T0 })
  })

  const open = ['pending', 'running', 'blocked', 'paused'] as const
  const ways = open.flatMap((from) =>
    subtaskStatus.options.filter((to) => to !== from).map((to) => [from, to] as const),
  )

  test.each(ways)('[TK2] goes from %s to %s', async (from, to) => {
    const { subtask_id } = await create({ status: from })
    await db.said()
    const subtask = await update(subtask_id, { status: to })
    const hasEnded = to === 'completed' || to === 'failed'
    expect(await db.said()).toEqual([{ type: hasEnded ? `subtask.${to}` : 'subtask.updated', payload: subtask }])
  })

  test.each(
    (['completed', 'failed'] as const).flatMap((from) => subtaskStatus.options.map((to) => [from, to] as const)),
  )('[TK3] does not go from %s to %s', async (from, to) => {
    const { subtask_id } = await create({ status: from })
    const { message } = await db.refused('invalid_transition', (tx) => updateSubtask(tx, subtask_id, { status: to }))
    expect(message).toContain(`from ${from} to ${to}`)
  })

  test('[TK4] a change without effect emits nothing', async () => {
    const subtask = await create({ result: { a: 1 }, agent_id: 'ann', status: 'running' })
    await db.said()
    vi.setSystemTime(T1)
    const same = [{}, { status: 'running' }, { result: { a: 1 }, agent_id: 'ann', blocked_by: [] }] as const
    for (const changes of same) expect(await update(subtask.subtask_id, changes as SubtaskChanges)).toEqual(subtask)
    expect(await db.said()).toEqual([])
  })

  test('[TK5] other fields may change after its end', async () => {
    const { subtask_id } = await create({ status: 'failed' })
    await db.said()
    const subtask = await update(subtask_id, { result: 'why', description: 'New', agent_type: 't' })
    expect(subtask).toMatchObject({ status: 'failed', result: 'why', description: 'New', agent_type: 't' })
    expect(await db.said()).toEqual([{ type: 'subtask.updated', payload: subtask }])
  })

  test('[TK6] an unknown subtask is refused', async () => {
    await db.refused('subtask_not_found', (tx) => updateSubtask(tx, 'sub_none', {}))
  })
})

describe('the blockers of a subtask', () => {
  test('[TK12] are other subtasks of its task, each once, in the given order', async () => {
    const [a, b, c] = [await create(), await create(), await create()].map(({ subtask_id }) => subtask_id) as string[]
    const made = await create({ blocked_by: [b!, a!, b!] })
    expect(made.blocked_by).toEqual([b, a])
    const changed = await update(c!, { blocked_by: [c!, a!] })
    expect(changed.blocked_by).toEqual([a])
    expect((await getSubtask(db.sql, c!)).blocked_by).toEqual([a])
  })

  test('[TK12] cannot be subtasks of another task, or anything else', async () => {
    const other = await db.do((tx) => createTask(tx, { name: 'Other' }))
    const foreign = await db.do((tx) => createSubtask(tx, other.task_id, { description: 'x' }))
    const own = await create()
    for (const id of [foreign.subtask_id, 'sub_none', taskId]) {
      const blocked_by = [own.subtask_id, id]
      const problem = await db.refused('validation_failed', (tx) =>
        createSubtask(tx, taskId, { description: 'x', blocked_by }),
      )
      expect(problem.errors?.map(({ path }) => path)).toEqual(['blocked_by.1'])
      await db.refused('validation_failed', (tx) => updateSubtask(tx, own.subtask_id, { blocked_by: [id] }))
    }
  })

  test('[TK12] do not prevent a change of status', async () => {
    const first = await create()
    const second = await create({ blocked_by: [first.subtask_id] })
    expect((await update(second.subtask_id, { status: 'completed' })).status).toBe('completed')
  })
})

test('[TK13] the subtasks of a task are listed oldest first', async () => {
  const made = [await create(), await create({ result: [1] }), await create()]
  const other = await db.do((tx) => createTask(tx, { name: 'Other' }))
  await db.do((tx) => createSubtask(tx, other.task_id, { description: 'x' }))
  expect(await listSubtasks(db.sql, taskId, 9)).toEqual(made)
  expect(await listSubtasks(db.sql, taskId, 2)).toEqual(made.slice(0, 2))
})
