import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { message as messageSchema } from '../../shared/src/types/messages.ts'
import { createLeader, SOLE_NODE } from '../../src/db/lease.ts'
import { expireMessages, listMail, type NewMessage, readMessage, sendMessage } from '../../src/domain/messages.ts'
import { createMessageExpiry } from '../../src/jobs/message-expiry.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'

const T0 = '2026-01-31T12:00:00.000Z'
const T0_MS = Date.parse(T0)
let db: BoardStore

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: T0_MS })
  db = await openBoardStore()
})
afterEach(async () => {
  await db.close()
  vi.useRealTimers()
})

const later = (seconds: number) => vi.setSystemTime(T0_MS + seconds * 1_000)
const iso = (seconds: number) => new Date(T0_MS + seconds * 1_000).toISOString()
const send = (given: Partial<NewMessage> = {}) =>
  db.do((tx) => sendMessage(tx, { from_agent: 'ann', content: 'hi', ...given }))
const read = (id: string, agent: string) => db.do((tx) => readMessage(tx, id, agent))
const mailOf = (agent: string, unread = false, limit = 100) =>
  listMail(db.sql, agent, { unread, limit, nowMs: Date.now() })
const idsOf = async (agent: string, unread = false) => (await mailOf(agent, unread)).map(({ message_id }) => message_id)
async function shownOn(channel: string): Promise<string[]> {
  return (await db.store.read((snapshot) => snapshot.readAfter([channel], 0, 99))).events.map(({ type }) => type)
}

describe('sending', () => {
  test('[MS1] needs only a sender and content: to everyone, for an hour', async () => {
    const message = await send()
    expect(message).toEqual({
      message_id: expect.stringMatching(/^msg_[0-9a-f-]{36}$/),
      from_agent: 'ann',
      to_agent: null,
      topic: null,
      content: 'hi',
      priority: 0,
      ttl_seconds: 3_600,
      created_at: T0,
      expires_at: iso(3_600),
      read_by: [],
    })
    expect(messageSchema.parse(message)).toEqual(message)
    const { created_at: _, ttl_seconds: __, read_by: ___, ...payload } = message
    expect(await db.said()).toEqual([{ type: 'message.new', payload }])
    expect(await shownOn('*')).toEqual(['message.new'])
  })

  test('[MS2] shows to the addressee and on the topic, and then not to everyone', async () => {
    await send({ to_agent: 'bob' })
    await send({ topic: 'news' })
    await send({ to_agent: 'bob', topic: 'news' })
    expect(await shownOn('agent:bob')).toEqual(['message.new', 'message.new'])
    expect(await shownOn('topic:news')).toEqual(['message.new', 'message.new'])
    expect(await shownOn('*')).toEqual([])
  })

  test('[MS1] keeps the content unchanged', async () => {
    const content = { text: 'lone \ud800, NUL \u0000', list: [1, { a: null }] }
    await send({ to_agent: 'bob', content, priority: 10, ttl_seconds: 86_400 })
    const [message] = await mailOf('bob')
    expect(message).toMatchObject({ content, priority: 10, ttl_seconds: 86_400, expires_at: iso(86_400) })
    const [said] = await db.said()
    expect(said?.payload.content).toEqual(content)
  })
})

describe('the mail of an agent', () => {
  test('[MS3] has messages to it and to everyone, oldest first, but not those to a topic', async () => {
    const own = await send({ to_agent: 'bob' })
    await send({ to_agent: 'cat' })
    const all = await send()
    await send({ topic: 'news' })
    const both = await send({ to_agent: 'bob', topic: 'news' })
    expect(await mailOf('bob')).toEqual([own, all, both])
    expect(await mailOf('nobody')).toEqual([all])
    expect((await mailOf('bob', false, 2)).map(({ message_id }) => message_id)).toEqual([
      own.message_id,
      all.message_id,
    ])
  })

  test('[MS4] unread are the messages that this agent has not read', async () => {
    const [own, all] = [await send({ to_agent: 'bob' }), await send()]
    const [a, b] = [own.message_id, all.message_id]
    await read(a, 'bob')
    expect(await idsOf('bob', true)).toEqual([b])
    await read(b, 'cat')
    expect(await idsOf('bob', true)).toEqual([b])
    expect(await idsOf('cat', true)).toEqual([])
    await read(b, 'bob')
    expect(await idsOf('bob', true)).toEqual([])
    expect(await idsOf('bob')).toEqual([a, b])
    expect((await mailOf('bob')).map(({ read_by }) => read_by)).toEqual([['bob'], ['cat', 'bob']])
  })

  test('[MS4] has every message once, however many there are of each kind', async () => {
    const sent: string[] = []
    for (let i = 0; i < 120; i++) {
      const message = await send(i % 3 === 0 ? {} : { to_agent: i % 3 === 1 ? 'bob' : 'cat' })
      if (i % 3 < 2) sent.push(message.message_id)
      if (i % 4 === 0) await read(message.message_id, 'bob')
    }
    expect(await idsOf('bob')).toEqual(sent)
    const unread = (await mailOf('bob')).filter(({ read_by }) => !read_by.includes('bob'))
    expect(await mailOf('bob', true)).toEqual(unread)
    expect(await mailOf('bob', false, 33)).toEqual((await mailOf('bob')).slice(0, 33))
    expect(await mailOf('bob', true, 17)).toEqual(unread.slice(0, 17))
  })

  test('[MS5] ends early when messages are long, and continues when those are read', async () => {
    const content = 'x'.repeat(1_000_000)
    const sent: string[] = []
    for (let i = 0; i < 7; i++) sent.push((await send({ to_agent: 'bob', content })).message_id)
    expect(await idsOf('bob', true)).toEqual(sent.slice(0, 5))
    for (const id of sent.slice(0, 5)) await read(id, 'bob')
    expect(await idsOf('bob', true)).toEqual(sent.slice(5))
  })
})

describe('reading', () => {
  test('[MS6] is an event on the channels of the message, once per agent', async () => {
    const { message_id } = await send({ to_agent: 'bob', topic: 'news' })
    await db.said()
    later(1)
    expect((await read(message_id, 'bob')).read_by).toEqual(['bob'])
    expect((await read(message_id, 'cat')).read_by).toEqual(['bob', 'cat'])
    expect((await read(message_id, 'bob')).read_by).toEqual(['bob', 'cat'])
    const about = { to_agent: 'bob', topic: 'news', message_id, read_at: iso(1) }
    expect(await db.said()).toEqual([
      { type: 'message.read', payload: { ...about, agent_id: 'bob' } },
      { type: 'message.read', payload: { ...about, agent_id: 'cat' } },
    ])
    for (const channel of ['agent:bob', 'topic:news']) {
      expect(await shownOn(channel)).toEqual(['message.new', 'message.read', 'message.read'])
    }
    expect(await shownOn('agent:cat')).toEqual([])
  })

  test('[MS6] reading a message to everyone shows to everyone', async () => {
    const { message_id } = await send()
    await read(message_id, 'bob')
    expect(await shownOn('*')).toEqual(['message.new', 'message.read'])
  })

  test('[MS7] refuses a message that does not exist or has expired', async () => {
    await db.refused('message_not_found', (tx) => readMessage(tx, 'msg_none', 'bob'))
    const { message_id } = await send({ to_agent: 'bob', ttl_seconds: 2 })
    later(2)
    await db.refused('message_not_found', (tx) => readMessage(tx, message_id, 'bob'))
  })
})

describe('expiring', () => {
  test('[MS8] emits an event and deletes the message when its time is over', async () => {
    const { message_id } = await send({ to_agent: 'bob', topic: 'news', ttl_seconds: 5 })
    await db.said()
    expect(await db.do((tx) => expireMessages(tx, T0_MS + 4_999, 9))).toBe(0)
    expect(await db.said()).toEqual([])
    expect(await db.do((tx) => expireMessages(tx, T0_MS + 5_000, 9))).toBe(1)
    expect(await db.said()).toEqual([
      { type: 'message.expired', payload: { to_agent: 'bob', topic: 'news', message_id } },
    ])
    expect(await idsOf('bob')).toEqual([])
    expect(await db.sql.all('SELECT * FROM messages')).toEqual([])
    expect(await db.do((tx) => expireMessages(tx, T0_MS + 5_000, 9))).toBe(0)
  })

  test('[MS8] lists leave out messages whose time is over before they are deleted', async () => {
    const { message_id } = await send({ ttl_seconds: 5 })
    later(4.999)
    expect(await idsOf('bob')).toEqual([message_id])
    expect(await idsOf('bob', true)).toEqual([message_id])
    later(5)
    expect(await idsOf('bob')).toEqual([])
    expect(await idsOf('bob', true)).toEqual([])
  })

  test('[MS9] does not apply to messages that their addressee has read', async () => {
    const { message_id } = await send({ to_agent: 'bob', ttl_seconds: 1 })
    await read(message_id, 'bob')
    await db.said()
    later(100_000)
    expect(await db.do((tx) => expireMessages(tx, Date.now(), 9))).toBe(0)
    expect(await idsOf('bob')).toEqual([message_id])
    expect((await read(message_id, 'cat')).read_by).toEqual(['bob', 'cat'])
  })

  test('[MS9] applies to messages that only others have read, and to those without an addressee', async () => {
    const sent = [await send({ to_agent: 'bob', ttl_seconds: 1 }), await send({ ttl_seconds: 1 })]
    sent.push(await send({ topic: 'news', ttl_seconds: 1 }))
    for (const { message_id } of sent) await read(message_id, 'cat')
    await db.said()
    expect(await db.do((tx) => expireMessages(tx, T0_MS + 1_000, 9))).toBe(3)
    const expired = (await db.said()).map(({ payload }) => payload.message_id)
    expect(expired).toEqual(sent.map(({ message_id }) => message_id))
    expect(await db.sql.all('SELECT * FROM message_reads')).toEqual([])
  })

  test('[MS10] runs by the clock, in steps, and writes only when something is due', async () => {
    let nowMs = T0_MS
    const errors: unknown[] = []
    const clock = () => nowMs
    const expiry = createMessageExpiry(db.store, createLeader(db.store, SOLE_NODE), (error) => errors.push(error), {
      now: clock,
      elapsed: clock,
    })
    const { head } = db.store
    await expiry.check()
    for (let i = 0; i < 1_100; i++) await send({ to_agent: 'bob', ttl_seconds: i < 1_001 ? 10 : 20 })
    nowMs += 9_999
    await expiry.check()
    expect(db.store.head).toBe(head + 1_100)
    nowMs += 1
    await Promise.all([expiry.check(), expiry.check()])
    expect(db.store.head).toBe(head + 1_100 + 1_001)
    nowMs += 10_000
    expiry.stop()
    await expiry.check()
    expect(db.store.head).toBe(head + 1_100 + 1_001)
    expect(errors).toEqual([])
  })
})
