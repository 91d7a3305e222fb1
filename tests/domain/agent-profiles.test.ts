import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { profile as profileSchema } from '../../shared/src/types/agents.ts'
import {
  createProfile,
  deleteProfile,
  listProfiles,
  type ProfileInput,
  updateProfile,
} from '../../src/domain/agent-profiles.ts'
import { registerAgent } from '../../src/domain/agents.ts'
import { type BoardStore, openBoardStore } from './board-store.ts'
import { putBoard } from './rows.ts'

let db: BoardStore

beforeEach(async () => {
  db = await openBoardStore()
  await putBoard(db.sql, 'demo')
  await putBoard(db.sql, 'other')
  await db.do((tx) => registerAgent(tx, { id: 'claude-1', label: 'Claude' }))
  await db.said()
})
afterEach(() => db.close())

const input: ProfileInput = {
  agent: 'claude-1',
  name: 'Careful',
  config: { model: 'big', tools: ['edit'] },
  boardId: null,
}
const create = (given: Partial<ProfileInput> = {}) => db.do((tx) => createProfile(tx, { ...input, ...given }))
const rows = () => db.sql.all('SELECT * FROM agent_profiles ORDER BY id')

/** Expects a refusal that leaves every profile unchanged. */
async function refused(code: Parameters<BoardStore['refused']>[0], work: Parameters<BoardStore['refused']>[1]) {
  const before = await rows()
  const problem = await db.refused(code, work)
  expect(await rows()).toEqual(before)
  return problem
}

describe('making', () => {
  test('[P1] creates a profile and notifies everyone, with the label of its agent', async () => {
    const made = await create()
    expect(made).toEqual({ id: expect.stringMatching(/^pro_[0-9a-f-]{36}$/), ...input })
    expect(profileSchema.parse(made)).toEqual(made)
    expect(await db.said()).toEqual([
      {
        type: 'agent.profile.changed',
        payload: {
          agentId: 'claude-1',
          boardId: null,
          kind: 'created',
          profileId: made.id,
          agent: 'claude-1',
          label: 'Claude',
        },
      },
    ])
    expect(await listProfiles(db.sql, {})).toEqual([made])
  })

  test('[P1] may be for an agent that is not registered: it has no label', async () => {
    await create({ agent: 'unknown' })
    expect(await db.said()).toMatchObject([{ payload: { agent: 'unknown', label: null } }])
  })

  test('[P2] may be for one board; an unknown board is refused', async () => {
    const made = await create({ boardId: 'demo' })
    expect(made.boardId).toBe('demo')
    expect(await db.said()).toMatchObject([{ payload: { boardId: 'demo' } }])
    const problem = await refused('validation_failed', (tx) => createProfile(tx, { ...input, boardId: 'none' }))
    expect(problem.errors).toMatchObject([{ path: 'boardId' }])
  })
})

describe('listing', () => {
  test('[P3] lists oldest first: all, those of a board with the global ones, those of an agent', async () => {
    const ids = {
      global: (await create()).id,
      demo: (await create({ boardId: 'demo' })).id,
      other: (await create({ boardId: 'other', agent: 'codex' })).id,
    }
    const listed = async (filter: Parameters<typeof listProfiles>[1]) =>
      (await listProfiles(db.sql, filter)).map(({ id }) => id)
    expect(await listed({})).toEqual([ids.global, ids.demo, ids.other])
    expect(await listed({ boardId: 'demo' })).toEqual([ids.global, ids.demo])
    expect(await listed({ boardId: 'none' })).toEqual([ids.global])
    expect(await listed({ agent: 'codex' })).toEqual([ids.other])
    expect(await listed({ agent: 'codex', boardId: 'demo' })).toEqual([])
  })
})

describe('changing', () => {
  test('[P4] changes the given fields, replaces config as a whole, and emits an event', async () => {
    const made = await create()
    await db.said()
    const after = await db.do((tx) =>
      updateProfile(tx, made.id, { name: 'Fast', config: { model: 'small' }, boardId: 'demo', agent: 'codex' }),
    )
    expect(after).toEqual({ id: made.id, agent: 'codex', name: 'Fast', config: { model: 'small' }, boardId: 'demo' })
    expect(await listProfiles(db.sql, {})).toEqual([after])
    expect(await db.said()).toEqual([
      {
        type: 'agent.profile.changed',
        payload: {
          agentId: 'codex',
          boardId: 'demo',
          kind: 'updated',
          profileId: made.id,
          agent: 'codex',
          label: null,
        },
      },
    ])
    expect(await db.do((tx) => updateProfile(tx, made.id, { boardId: null }))).toMatchObject({ boardId: null })
  })

  test('[P5] a change without effect emits nothing, whatever the order of keys in config', async () => {
    const made = await create({ boardId: 'demo' })
    await db.said()
    const config = { tools: ['edit'], model: 'big' }
    for (const changes of [{}, { name: 'Careful' }, { config }, { boardId: 'demo', agent: 'claude-1' }]) {
      expect(await db.do((tx) => updateProfile(tx, made.id, changes))).toEqual(made)
    }
    expect(await db.said()).toEqual([])
  })

  test('[P6] refuses an unknown profile or board', async () => {
    const made = await create()
    await refused('profile_not_found', (tx) => updateProfile(tx, 'pro_none', { name: 'x' }))
    const problem = await refused('validation_failed', (tx) => updateProfile(tx, made.id, { name: 'x', boardId: 'no' }))
    expect(problem.errors).toMatchObject([{ path: 'boardId' }])
  })
})

describe('deleting', () => {
  test('[P7] deletes, emits an event, and refuses a second time', async () => {
    const made = await create({ boardId: 'demo' })
    await db.said()
    await db.do((tx) => deleteProfile(tx, made.id))
    expect(await listProfiles(db.sql, {})).toEqual([])
    expect(await db.said()).toMatchObject([
      { payload: { kind: 'deleted', profileId: made.id, boardId: 'demo', agent: 'claude-1', label: 'Claude' } },
    ])
    await refused('profile_not_found', (tx) => deleteProfile(tx, made.id))
  })

  test('[P8] is deleted with its board; global profiles stay', async () => {
    const global = await create()
    await create({ boardId: 'demo' })
    await db.sql.run('DELETE FROM boards WHERE id = ?', ['demo'])
    expect(await listProfiles(db.sql, {})).toEqual([global])
  })
})
