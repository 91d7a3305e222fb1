import { describe, expect, it, vi } from 'vitest'
import { type ConversationItemInput, conversationItem } from '../../shared/src/types/conversation.ts'
import { appendItem, getConversation } from '../../src/domain/conversation.ts'
import { setUpWorld, T0, T1 } from './attempts-fixture.ts'

const world = setUpWorld()

const one: Record<ConversationItemInput['type'], ConversationItemInput> = {
  message: { type: 'message', role: 'user', text: 'Fix it\u0000\u001b[31m', format: 'markdown' },
  thinking: { type: 'thinking', text: 'Where is it?', title: 'Search' },
  tool: {
    type: 'tool',
    tool: { name: 'bash', status: 'succeeded', command: 'ls', exitCode: 0, metadata: { a: [1, '\ud800'] } },
  },
  error: { type: 'error', text: 'No such file', details: 'src/x.ts' },
  automation: {
    type: 'automation',
    stage: 'setup',
    command: 'npm ci',
    cwd: '/w',
    status: 'running',
    exitCode: null,
    durationMs: 0,
  },
}

describe('conversation', () => {
  it.each(Object.values(one))('[V1] stores and emits an item of type $type', async (given) => {
    const { id } = await world.attempt('a')
    const item = await world.act((tx) => appendItem(tx, id, given))
    expect(conversationItem.parse(item)).toEqual({
      ...given,
      id: expect.stringMatching(/^itm_[0-9a-f-]{36}$/),
      timestamp: T0,
    })
    expect(await getConversation(world.sql, id)).toEqual([item])
    expect(await world.news()).toEqual([
      {
        type: 'attempt.conversation.appended',
        payload: { boardId: 'demo', cardId: 'a', agentId: 'claude-1', attemptId: id, item },
      },
    ])
  })

  it('[V2] keeps a given id and timestamp', async () => {
    const { id } = await world.attempt('a')
    const item = await world.act((tx) => appendItem(tx, id, { ...one.error, id: 'i/1', timestamp: T1 }))
    expect(item).toMatchObject({ id: 'i/1', timestamp: T1 })
  })

  it('[V3] replaces an item with a known id, and emits the new one', async () => {
    const { id } = await world.attempt('a')
    for (const itemId of ['1', '2', '3']) await world.act((tx) => appendItem(tx, id, { ...one.message, id: itemId }))
    await world.news()
    vi.setSystemTime(T1)
    const replaced = await world.act((tx) => appendItem(tx, id, { ...one.tool, id: '2' }))
    expect(replaced).toMatchObject({ id: '2', type: 'tool', timestamp: T1 })
    const items = await getConversation(world.sql, id)
    expect(items.map((item) => [item.id, item.type])).toEqual([
      ['1', 'message'],
      ['2', 'tool'],
      ['3', 'message'],
    ])
    expect(await world.news()).toMatchObject([{ type: 'attempt.conversation.appended', payload: { item: replaced } }])
  })

  it('[V4] keeps the items of two attempts apart', async () => {
    const a = await world.attempt('a')
    const b = await world.attempt('b')
    await world.act((tx) => appendItem(tx, a.id, { ...one.message, id: 'same' }))
    await world.act((tx) => appendItem(tx, b.id, { ...one.error, id: 'same' }))
    expect(await getConversation(world.sql, a.id)).toMatchObject([{ type: 'message' }])
    expect(await getConversation(world.sql, b.id)).toMatchObject([{ type: 'error' }])
  })

  it('[V5] does not find an unknown attempt', async () => {
    expect((await world.refused((tx) => appendItem(tx, 'no', one.message))).code).toBe('attempt_not_found')
  })
})
