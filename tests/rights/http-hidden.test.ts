/**
 * Nothing tells whether a thing exists that one may not see: an answer about such a thing is, byte for byte, the answer about
 * one that does not exist, but for the ids that the client itself sent. The rules are stated in docs/security.md.
 */
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { makeScene, type Scene, unknownScene } from '../support/rights-scene.ts'
import { type Sample, samples } from '../support/route-samples.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { actingAs, SECRET, tokenFor } from '../support/tokens.ts'

const KINDS = ['board', 'project', 'issue', 'attempt', 'agent', 'session', 'workflow:run', 'shell:terminal', 'topic']
/** Patterns to subscribe, and to publish. */
const TOKENS: ReadonlyArray<readonly [subscribe: string[], publish: string[]]> = [
  ...[...KINDS.map((kind) => `${kind}:*`), 'global'].map((one) => [[one], [one]] as [string[], string[]]),
  [['board:mine', 'agent:mine'], []],
  [[], ['board:mine', 'agent:mine']],
]
/** Each answer has one of its own. */
const VARYING = new Set(['x-request-id', 'date'])

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ jwtSecrets: [SECRET] })
})
afterAll(() => server[Symbol.asyncDispose]())

interface Seen {
  readonly status: number
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: string
}

/** An answer, with ids of the scene in what the client sent replaced by the names of their fields. */
async function answerTo(token: string, method: string, { path, body }: Sample, scene: Scene): Promise<Seen> {
  const answer = await actingAs(server, token).call(method, path, body)
  return {
    status: answer.status,
    headers: [...answer.headers].filter(([name]) => !VARYING.has(name)),
    body: withoutIds(JSON.stringify(answer.body ?? null), scene),
  }
}

function withoutIds(text: string, scene: Scene): string {
  const fields = Object.entries(scene).sort(([, a], [, b]) => String(b).length - String(a).length)
  return fields.reduce((all, [field, id]) => all.replaceAll(String(id), `<${field}>`), text)
}

const withIds = Object.keys(samples).filter((name) => name.includes('/:'))

describe.each(withIds)('%s', (name) => {
  const method = name.split(' ')[0]?.toUpperCase() ?? ''
  const sampleOf = (scene: Scene) => samples[name]?.(scene) as Sample

  it.each([{ isLoose: false }, { isLoose: true }])(
    '[RI2] answers the same about what is hidden and what does not exist, %o',
    async (form) => {
      let scene = await makeScene(server, form)
      let hidden = 0
      for (const [subscribe, publish] of TOKENS) {
        const token = await tokenFor(subscribe, publish)
        const first = await answerTo(token, method, sampleOf(scene), scene)
        if (first.status < 400 && method !== 'GET') scene = await makeScene(server, form)
        if (first.status !== 403) continue
        hidden += 1
        const unknown = unknownScene(scene)
        expect(await answerTo(token, method, sampleOf(unknown), unknown), subscribe.join()).toEqual(first)
      }
      expect(hidden).toBeGreaterThan(3)
    },
  )
})

describe('[RI6] a body', () => {
  /** What the subject has: a board, a session and an agent of their own. */
  let own: Scene
  let patterns: string[]
  beforeAll(async () => {
    own = await makeScene(server)
    patterns = [own.board, own.session, own.agent].flatMap((id) => KINDS.map((kind) => `${kind}:${id}`))
    patterns.push(`workflow:run:${own.run}`, `shell:${own.name}*`, `session:${own.name}*`, `attempt:${own.attempt}`)
    patterns.push('global')
  })

  const references: Readonly<
    Record<string, (theirs: Scene) => Omit<Sample, 'status' | 'rights'> & { method?: string }>
  > = {
    'of a session, its board': (s) => ({ path: '/sessions', body: { id: `${own.name}-x`, boardId: s.board } }),
    'of a shell, its board': (s) => ({ path: '/shells', body: { id: `${own.name}-x`, boardId: s.board } }),
    'of a shell, its attempt': (s) => ({ path: '/shells', body: { id: `${own.name}-x`, attemptId: s.attempt } }),
    'of a shell without an id, its attempt': (s) => ({ path: '/shells', body: { attemptId: s.attempt } }),
    'of a shell, its attempt on a board': (s) => ({
      path: '/shells',
      body: { id: `${own.name}-x`, attemptId: s.attempt, boardId: own.board },
    }),
    'of a run, its board': (s) => ({ path: '/workflow-runs', body: { name: 'x', boardId: s.board } }),
    'of a profile, its board': (s) => ({
      path: '/agent-profiles',
      body: { agent: own.agent, name: 'x', boardId: s.board },
    }),
    'of a change of a profile, its board': (s) => ({
      method: 'PATCH',
      path: `/agent-profiles/${own.profile}`,
      body: { boardId: s.board },
    }),
    'of an attempt, its profile': (s) => ({
      path: `/cards/${own.otherCard}/attempts`,
      body: { agent: own.agent, profileId: s.profile },
    }),
    'of a report about a repository, its attempt': (s) => ({
      path: `/boards/${own.board}/git/commits`,
      body: { shortSha: 'abc1234', subject: 'x', author: 'x', attemptId: s.attempt },
    }),
    'of a card, what it waits for': (s) => ({
      method: 'PATCH',
      path: `/cards/${own.card}`,
      body: { dependsOn: [s.card] },
    }),
    'of a new card, what it waits for': (s) => ({
      path: `/boards/${own.board}/cards`,
      body: { title: 'x', dependsOn: [s.card] },
    }),
    'of a new card, its column': (s) => ({
      path: `/boards/${own.board}/cards`,
      body: { title: 'x', columnId: s.column },
    }),
    'of a move, the column': (s) => ({ path: `/cards/${own.card}/move`, body: { columnId: s.column } }),
    'of a subtask, its blockers': (s) => ({
      method: 'PATCH',
      path: `/subtasks/${own.subtask}`,
      body: { blocked_by: [s.subtask] },
    }),
    'of a task, its session': (s) => ({ path: '/tasks', body: { name: 'x', session_id: s.session } }),
    'of a change of a task, its session': (s) => ({
      method: 'PATCH',
      path: `/tasks/${own.task}`,
      body: { session_id: s.session },
    }),
    'of a new board, its id': (s) => ({ path: '/boards', body: { id: s.board, name: 'x' } }),
    'of a new session, its id': (s) => ({ path: '/sessions', body: { id: s.session } }),
    'of a new shell, its id': (s) => ({ path: '/shells', body: { id: s.shell } }),
    'of a new shell on a board, its id': (s) => ({ path: '/shells', body: { id: s.shell, boardId: own.board } }),
    'of a message, its addressee': (s) => ({
      path: '/messages',
      body: { from_agent: own.agent, to_agent: s.agent, content: 'x' },
    }),
    'of a read, its message': (s) => ({ path: `/messages/${s.message}/read`, body: { agent_id: own.agent } }),
    'of a filter of sessions, the board': (s) => ({ method: 'GET', path: `/sessions?boardId=${s.board}` }),
    'of a filter of shells, the board': (s) => ({ method: 'GET', path: `/shells?boardId=${s.board}` }),
    'of a filter of runs, the board': (s) => ({ method: 'GET', path: `/workflow-runs?boardId=${s.board}` }),
    'of a filter of tasks, the session': (s) => ({ method: 'GET', path: `/tasks?session_id=${s.session}` }),
    'of a filter of profiles, the agent': (s) => ({ method: 'GET', path: `/agent-profiles?agent=${s.agent}` }),
    'of a page of events, a channel': (s) => ({
      method: 'GET',
      path: `/events?channels=board:${own.board},board:${s.board}`,
    }),
  }

  it.each(Object.keys(references))('%s: cannot tell what is hidden from what does not exist', async (name) => {
    const token = await tokenFor(patterns)
    for (const isLoose of [false, true]) {
      const theirs = await makeScene(server, { isLoose })
      const unknown = unknownScene(theirs)
      const ask = async (scene: Scene) => {
        const reference = references[name] as (theirs: Scene) => Sample & { method?: string }
        const { method = 'POST', ...request } = reference(scene)
        return answerTo(token, method, request, scene)
      }
      expect(await ask(theirs)).toEqual(await ask(unknown))
    }
  })

  it('of a card known by its own channel alone: names no other cards of the board', async () => {
    const scene = await makeScene(server)
    const unknown = unknownScene(scene)
    const token = await tokenFor([`issue:${scene.card}`])
    const ask = ({ otherCard }: Scene) =>
      actingAs(server, token).call('PATCH', `/cards/${scene.card}`, { dependsOn: [otherCard] })
    const [hidden, invented] = [await ask(scene), await ask(unknown)]
    expect([hidden.status, hidden.body]).toEqual([422, invented.body])
    expect(
      (
        await actingAs(server, await tokenFor([`issue:*`])).call('PATCH', `/cards/${scene.card}`, {
          dependsOn: [scene.otherCard],
        })
      ).status,
    ).toBe(200)
  })

  it('of a subtask known by its agent alone: names no other subtasks of the task', async () => {
    const scene = await makeScene(server)
    const token = await tokenFor([`agent:${scene.agent}`])
    const ask = (blocker: string) =>
      actingAs(server, token).call('PATCH', `/subtasks/${scene.subtask}`, { blocked_by: [blocker] })
    const [hidden, invented] = [await ask(scene.otherSubtask), await ask(unknownScene(scene).otherSubtask)]
    expect([hidden.status, hidden.body]).toEqual([422, invented.body])
  })
})

test('[RI2] a subject who would see every thing of a kind learns that there is none', async () => {
  const unknown = unknownScene(await makeScene(server))
  for (const [path, patterns, code] of [
    [`/cards/${unknown.card}`, ['board:*'], 'card_not_found'],
    [`/attempts/${unknown.attempt}`, ['board:*'], 'attempt_not_found'],
    [`/tasks/${unknown.task}`, ['session:*', 'global'], 'task_not_found'],
    [`/subtasks/${unknown.subtask}`, ['session:*', 'global'], 'subtask_not_found'],
    [`/shells/${unknown.shell}`, ['shell:*'], 'shell_not_found'],
    [`/workflow-runs/${unknown.run}`, ['workflow:*'], 'workflow_run_not_found'],
    [`/boards/${unknown.board}`, [`board:${unknown.board}`], 'board_not_found'],
  ] as const) {
    const answer = await actingAs(server, await tokenFor([...patterns])).call('GET', path)
    expect([answer.status, answer.body.code], path).toEqual([404, code])
  }
})
