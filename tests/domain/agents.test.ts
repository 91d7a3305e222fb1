import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { agent as agentSchema } from '../../shared/src/types/agents.ts'
import { agentLabel, getAgent, listAgents, registerAgent } from '../../src/domain/agents.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'
import { putAttempt, putBoard, putCard } from './rows.ts'

const T0 = '2026-01-31T12:00:00.000Z'
const T0_MS = Date.parse(T0)
const T1 = '2026-01-31T12:10:00.000Z'
let db: BoardStore

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: T0_MS })
  db = await openBoardStore()
  await putBoard(db.sql, 'demo')
  for (const card of ['a', 'b', 'c']) await putCard(db.sql, card, 'demo.0')
})
afterEach(async () => {
  await db.close()
  vi.useRealTimers()
})

const register = (told: Parameters<typeof registerAgent>[1]) => db.do((tx) => registerAgent(tx, told))

describe('registering', () => {
  test('[N1] registers the agent, online from now, and emits an event', async () => {
    const { agent, created } = await register({ id: 'claude-1', label: 'Claude', kind: 'cli', capabilities: ['edit'] })
    expect(created).toBe(true)
    expect(agent).toEqual({
      id: 'claude-1',
      label: 'Claude',
      kind: 'cli',
      capabilities: ['edit'],
      status: 'online',
      currentCardId: null,
      lastSeenAt: T0,
      createdAt: T0,
    })
    expect(agentSchema.parse(agent)).toEqual(agent)
    expect(await db.said()).toEqual([
      { type: 'agent.registered', payload: { agentId: 'claude-1', agent: 'claude-1', label: 'Claude' } },
    ])
    expect(await getAgent(db.sql, 'claude-1', T0_MS)).toEqual(agent)
  })

  test('[N1] needs only an id; the event shows an agent without a label', async () => {
    const { agent } = await register({ id: 'bot' })
    expect(agent).toMatchObject({ label: null, kind: null, capabilities: null })
    expect(await db.said()).toEqual([
      { type: 'agent.registered', payload: { agentId: 'bot', agent: 'bot', label: null } },
    ])
  })

  test('[N2] again without a change emits nothing, but counts as a sign of life', async () => {
    const told = { id: 'claude-1', label: 'Claude', capabilities: ['edit', 'run'] }
    await register(told)
    await db.said()
    vi.setSystemTime(T1)
    for (const again of [told, { id: 'claude-1' }, { id: 'claude-1', capabilities: ['edit', 'run'] }]) {
      const { agent, created } = await register(again)
      expect(created).toBe(false)
      expect(agent).toMatchObject({ label: 'Claude', capabilities: ['edit', 'run'], lastSeenAt: T1, createdAt: T0 })
    }
    expect(await db.said()).toEqual([])
  })

  test('[N3] again with a change emits an event; fields left out stay, null removes them', async () => {
    await register({ id: 'claude-1', label: 'Claude', kind: 'cli', capabilities: ['edit'] })
    await db.said()
    vi.setSystemTime(T1)
    expect((await register({ id: 'claude-1', label: 'Claude 2' })).agent).toMatchObject({
      label: 'Claude 2',
      kind: 'cli',
      capabilities: ['edit'],
      createdAt: T0,
    })
    expect((await register({ id: 'claude-1', kind: null, capabilities: [] })).agent).toMatchObject({
      label: 'Claude 2',
      kind: null,
      capabilities: [],
    })
    const payload = { agentId: 'claude-1', agent: 'claude-1', label: 'Claude 2' }
    expect(await db.said()).toEqual([
      { type: 'agent.registered', payload },
      { type: 'agent.registered', payload },
    ])
  })
})

describe('reading', () => {
  test('[N4] lists registered agents by id; an attempt that names an agent does not register it', async () => {
    await putAttempt(db.sql, { id: 'att1', card: 'a', status: 'running', createdAt: T0, startedAt: T0, agent: 'named' })
    await register({ id: 'b' })
    await register({ id: 'a', label: 'A' })
    expect((await listAgents(db.sql, T0_MS)).map(({ id }) => id)).toEqual(['a', 'b'])
    await expect(getAgent(db.sql, 'named', T0_MS)).rejects.toMatchObject({ code: 'agent_not_found' })
    expect(await agentLabel(db.sql, 'a')).toBe('A')
    expect(await agentLabel(db.sql, 'b')).toBeNull()
    expect(await agentLabel(db.sql, 'named')).toBeNull()
  })

  test('[N5] is online for 60 s after its last sign of life', async () => {
    await register({ id: 'bot' })
    const at = async (ms: number) => (await getAgent(db.sql, 'bot', T0_MS + ms)).status
    expect(await at(0)).toBe('online')
    expect(await at(60_000)).toBe('online')
    expect(await at(60_001)).toBe('offline')
  })

  test('[N6] is working while an attempt runs or stops, online while one is queued, offline when it has ended', async () => {
    await register({ id: 'bot' })
    await putAttempt(db.sql, { id: 'att1', card: 'a', status: 'queued', createdAt: T0, agent: 'bot' })
    const later = T0_MS + 3_600_000
    const shown = async () => {
      const one = await getAgent(db.sql, 'bot', later)
      expect(await listAgents(db.sql, later)).toEqual([one])
      return [one.status, one.currentCardId]
    }
    const expected = {
      queued: ['online', null],
      running: ['working', 'a'],
      stopping: ['working', 'a'],
      stopped: ['offline', null],
      succeeded: ['offline', null],
      failed: ['offline', null],
    }
    for (const [status, answer] of Object.entries(expected)) {
      await db.sql.run('UPDATE attempts SET status = ?', [status])
      expect(await shown(), status).toEqual(answer)
    }
  })

  test('[N7] its current card is that of its newest running attempt', async () => {
    await register({ id: 'bot' })
    const attempts = [
      { id: 'att1', card: 'a', status: 'running', createdAt: '2026-01-31T11:00:00.000Z', agent: 'bot' },
      { id: 'att2', card: 'b', status: 'running', createdAt: '2026-01-31T11:30:00.000Z', agent: 'bot' },
      { id: 'att3', card: 'c', status: 'queued', createdAt: '2026-01-31T11:40:00.000Z', agent: 'bot' },
    ] as const
    for (const attempt of attempts) await putAttempt(db.sql, attempt)
    expect((await getAgent(db.sql, 'bot', T0_MS)).currentCardId).toBe('b')
  })
})
