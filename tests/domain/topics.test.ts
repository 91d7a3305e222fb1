import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { catalogue, type Destination } from '../../shared/src/catalogue.ts'
import { postTopicEvent } from '../../src/domain/topics.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'

let db: BoardStore
beforeEach(async () => {
  db = await openBoardStore()
})
afterEach(() => db.close())

const post = (topic: string, event: string, data: unknown = null) =>
  db.do((tx) => postTopicEvent(tx, topic, { event, data }))

describe('posting', () => {
  test('[TP1] is one event, with its name and data unchanged', async () => {
    const data = JSON.parse('{"b":[1,null,{"__proto__":{"x":"\\ud800\\u0000"}}],"a":""}')
    await post('deploys', 'deploy.started', data)
    const [said] = await db.said()
    expect(said?.type).toBe('topic.event')
    const { events } = await db.store.read((snapshot) => snapshot.readAfter(['topic:deploys'], 0, 10))
    expect(events.map(({ name, text }) => [name, text])).toEqual([['deploy.started', JSON.stringify(data)]])
    expect(events[0]?.data).toBe(`{"topic":"deploys","event":"deploy.started","data":${JSON.stringify(data)}}`)
  })

  test.each(['Done', 'a', '1', 'x:y.z_-', 'Message', 'ERROR', 'openx', 'card.creat', `${'n'.repeat(128)}`])(
    '[TP3] may be named %s',
    async (event) => {
      await post('t', event)
      expect((await db.said()).map(({ payload }) => payload.event)).toEqual([event])
    },
  )
})

describe('reserved event names', () => {
  const own = Object.entries(catalogue).flatMap(([type, { to }]) => [
    type,
    ...to.map(({ event }: Destination) => event),
  ])
  const control = ['hello', 'heartbeat', 'gap', 'draining', 'overloaded', 'auth_expiring', 'auth_expired', 'auth_x']
  const unstored = ['state', 'dashboard_overview', 'metric.update', 'agent.heartbeat']

  test.each([...new Set([...own, ...control, ...unstored])])('[TP4] %s is refused', async (event) => {
    const { message, errors } = await db.refused('validation_failed', (tx) =>
      postTopicEvent(tx, 't', { event, data: null }),
    )
    expect(message).toBe(`event must not be ${event}: the server itself uses that name`)
    expect(errors).toEqual([{ path: 'event', message: message.slice('event '.length) }])
  })

  test.each(['error', 'open', 'message'])('[TP5] %s is refused: browsers fire it themselves', async (event) => {
    const { message } = await db.refused('validation_failed', (tx) => postTopicEvent(tx, 't', { event, data: null }))
    expect(message).toBe(`event must not be ${event}: browsers themselves fire events of that name`)
  })
})

describe('topics', () => {
  test.each(['deploys', 'a', 'A:b.c_d-e', '7', 't'.repeat(200)])('[TP2] may be named %s', async (topic) => {
    await post(topic, 'x')
    expect((await db.store.read((snapshot) => snapshot.readAfter([`topic:${topic}`], 0, 10))).events.length).toBe(1)
  })

  test.each(['', ' ', 'a b', 'a\n', 'a\u0000', 'a/b', 'a,b', 'ü', '*', 't'.repeat(201)])(
    '[TP2] cannot be named %j',
    async (topic) => {
      const { message } = await db.refused('invalid_channel', (tx) =>
        postTopicEvent(tx, topic, { event: 'x', data: null }),
      )
      expect(message).toContain('cannot be the name of a topic')
    },
  )
})
