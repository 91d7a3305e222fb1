import { describe, expect, it, vi } from 'vitest'
import { getAttempt } from '../../src/domain/attempts.ts'
import { getTodos, replaceTodos } from '../../src/domain/todos.ts'
import { setUpWorld, T0, T1 } from './attempts-fixture.ts'

const world = setUpWorld()

describe('todos', () => {
  it('[A18] replaces the list as a whole and counts it', async () => {
    const { id } = await world.attempt('a')
    expect(await getTodos(world.sql, id)).toEqual({ total: 0, completed: 0, items: [] })
    vi.setSystemTime(T1)
    const items = [
      { id: 't1', text: 'Read', status: 'done' },
      { text: 'Write', status: 'open' },
    ] as const
    const todos = await world.act((tx) => replaceTodos(tx, id, items))
    expect(todos).toEqual({
      total: 2,
      completed: 1,
      items: [items[0], { ...items[1], id: expect.stringMatching(/^itm_/) }],
    })
    expect(await getTodos(world.sql, id)).toEqual(todos)
    expect(await getAttempt(world.sql, id)).toMatchObject({ updatedAt: T1 })
    expect(await world.news()).toEqual([
      {
        type: 'attempt.todos.updated',
        payload: { boardId: 'demo', cardId: 'a', agentId: 'claude-1', attemptId: id, todos },
      },
    ])
  })

  it('[A19] emits nothing for the same list, with or without ids', async () => {
    const { id } = await world.attempt('a')
    const items = [
      { text: 'Test', status: 'open' },
      { text: 'Test', status: 'open' },
      { text: 'Ship', status: 'open' },
    ] as const
    const todos = await world.act((tx) => replaceTodos(tx, id, items))
    await world.news()
    vi.setSystemTime(T1)
    for (const again of [items, todos.items]) {
      expect(await world.act((tx) => replaceTodos(tx, id, again))).toEqual(todos)
    }
    expect(await world.news()).toEqual([])
    expect(await getAttempt(world.sql, id)).toMatchObject({ updatedAt: T0 })
  })

  it('[A19] keeps the id of an item without one when its text is the same', async () => {
    const { id } = await world.attempt('a')
    const before = await world.act((tx) =>
      replaceTodos(tx, id, [
        { text: 'Test', status: 'open' },
        { text: 'Ship', status: 'open' },
      ]),
    )
    const after = await world.act((tx) => replaceTodos(tx, id, [{ text: 'Ship', status: 'done' }]))
    expect(after).toEqual({ total: 1, completed: 1, items: [{ ...before.items[1], status: 'done' }] })
  })

  it('[A19] never assigns an id that another item of the list has', async () => {
    const { id } = await world.attempt('a')
    await world.act((tx) => replaceTodos(tx, id, [{ id: 't', text: 'Test', status: 'open' }]))
    const items = [
      { text: 'Test', status: 'open' },
      { id: 't', text: 'Test', status: 'open' },
    ] as const
    const todos = await world.act((tx) => replaceTodos(tx, id, items))
    expect(todos.items.map((item) => item.id)).toEqual([expect.stringMatching(/^itm_/), 't'])
  })

  it('[A20] refuses two items with the same id, and an unknown attempt', async () => {
    const { id } = await world.attempt('a')
    const twice = [
      { id: 't', text: 'One', status: 'open' },
      { id: 't', text: 'Two', status: 'open' },
    ] as const
    const problem = await world.refused((tx) => replaceTodos(tx, id, twice))
    expect(problem).toMatchObject({ code: 'validation_failed', errors: [{ path: 'items.1.id' }] })
    expect((await world.refused((tx) => replaceTodos(tx, 'no', []))).code).toBe('attempt_not_found')
  })
})
