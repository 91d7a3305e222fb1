/** A request to every route of the API, and the rights that it needs: for tests that ask all routes the same. */
import type { Scene } from './rights-scene.ts'

export interface Sample {
  /** Under /api/v1, with the query. */
  readonly path: string
  readonly body?: object
  /** Of the answer to whoever may. */
  readonly status: number
  /** Each of these sets of channels is enough. */
  readonly rights: ReadonlyArray<readonly string[]>
  /** It is done in the name of this agent or session. */
  readonly speaksFor?: 'agent' | 'session'
  /** Rights to subscribe that a mutation needs as well, as its answer shows what was there. */
  readonly shows?: readonly string[]
  /** A list: whoever has a token gets an answer, without what they may not see. */
  readonly isList?: true
}

/** By method and path, as they are declared. */
export const samples: Readonly<Record<string, (scene: Scene) => Sample>> = {
  'get /boards': () => list('/boards'),
  'get /boards/:boardId': (s) => ({ path: `/boards/${s.board}`, status: 200, rights: [[`board:${s.board}`]] }),
  'post /boards': (s) => ({
    path: '/boards',
    body: { id: `${s.name}-new`, name: 'New' },
    status: 201,
    rights: [[`board:${s.name}-new`]],
  }),
  'patch /boards/:boardId': (s) => onBoard(s, '', 200, { name: 'Other' }),
  'delete /boards/:boardId': (s) => onBoard(s, '', 204),
  'post /boards/:boardId/columns': (s) => onBoard(s, '/columns', 201, { title: 'New' }),
  'post /boards/:boardId/cards': (s) => onBoard(s, '/cards', 201, { title: 'New' }),
  'patch /columns/:columnId': (s) => ({
    path: `/columns/${s.column}`,
    body: { title: 'Other' },
    status: 200,
    rights: [[`board:${s.board}`]],
  }),
  'delete /columns/:columnId': (s) => ({
    path: `/columns/${s.emptyColumn}`,
    status: 204,
    rights: [[`board:${s.board}`]],
  }),
  'get /cards/:cardId': (s) => onCard(s, '', 200),
  'patch /cards/:cardId': (s) => onCard(s, '', 200, { title: 'Other' }),
  'delete /cards/:cardId': (s) => onCard(s, '', 204),
  'post /cards/:cardId/move': (s) => onCard(s, '/move', 200, { columnKey: 'review' }),
  'post /cards/:cardId/attempts': (s) => ({
    path: `/cards/${s.otherCard}/attempts`,
    body: { agent: s.agent },
    status: 201,
    rights: [[`board:${s.board}`], [`issue:${s.otherCard}`]],
  }),
  'get /cards/:cardId/attempts': (s) => ({
    path: `/cards/${s.card}/attempts`,
    status: 200,
    rights: [[`board:${s.board}`]],
  }),
  'get /attempts/:attemptId': (s) => onAttempt(s, '', 200),
  'patch /attempts/:attemptId': (s) => onAttempt(s, '', 200, { branchName: 'other' }),
  'post /attempts/:attemptId/stop': (s) => onAttempt(s, '/stop', 202),
  'post /attempts/:attemptId/logs': (s) => onAttempt(s, '/logs', 202, { message: 'a line' }),
  'get /attempts/:attemptId/logs': (s) => onAttempt(s, '/logs', 200),
  'post /attempts/:attemptId/conversation': (s) =>
    onAttempt(s, '/conversation', 201, { type: 'message', role: 'user', text: 'Hello' }),
  'put /attempts/:attemptId/todos': (s) => onAttempt(s, '/todos', 200, { items: [] }),
  'post /attempts/:attemptId/session': (s) => onAttempt(s, '/session', 200, { sessionId: 'a-session' }),
  'post /attempts/:attemptId/pr': (s) =>
    onAttempt(s, '/pr', 200, { number: 1, url: 'https://example.com/1', title: 't', state: 'open', draft: false }),
  'post /boards/:boardId/git/status': (s) =>
    onBoard(s, '/git/status', 202, {
      attemptId: s.attempt,
      branch: 'main',
      ahead: 0,
      behind: 0,
      hasUncommitted: false,
      summary: { added: 0, modified: 0, deleted: 0, untracked: 0, staged: 0 },
      files: [],
    }),
  'post /boards/:boardId/git/commits': (s) =>
    onBoard(s, '/git/commits', 201, { shortSha: 'abc1234', subject: 'A commit', author: 'ann' }),
  'post /boards/:boardId/git/pushes': (s) => onBoard(s, '/git/pushes', 201, { remote: 'origin', branch: 'main' }),
  'post /boards/:boardId/git/operations': (s) => onBoard(s, '/git/operations', 201, { operation: 'gc', ok: true }),
  'post /boards/:boardId/files/changes': (s) =>
    onBoard(s, '/files/changes', 202, { changes: [{ path: 'a', kind: 'created' }] }),
  'post /agents': (s) => ({
    ...onAgent(s, '', 200, { id: s.agent, label: 'New' }),
    path: '/agents',
    speaksFor: 'agent',
  }),
  'get /agents': () => list('/agents'),
  'get /agents/:agentId': (s) => onAgent(s, '', 200),
  'post /agents/:agentId/heartbeat': (s) => ({ ...onAgent(s, '/heartbeat', 202), speaksFor: 'agent' }),
  'post /agents/:agentId/output': (s) => ({ ...onAgent(s, '/output', 202, { content: 'x' }), speaksFor: 'agent' }),
  'get /agents/:agentId/output': (s) => onAgent(s, '/output', 200),
  'get /agents/:agentId/messages': (s) => onAgent(s, '/messages', 200),
  'post /agent-profiles': (s) => ({
    path: '/agent-profiles',
    body: { agent: s.agent, name: 'New' },
    status: 201,
    rights: [[`agent:${s.agent}`]],
  }),
  'get /agent-profiles': () => list('/agent-profiles'),
  'patch /agent-profiles/:profileId': (s) => onProfile(s, 200, { name: 'Other' }),
  'delete /agent-profiles/:profileId': (s) => onProfile(s, 204),
  'post /topics/:topic/events': (s) => ({
    path: `/topics/${s.topic}/events`,
    body: { event: 'said' },
    status: 202,
    rights: [[`topic:${s.topic}`]],
  }),
  'get /cursor': () => list('/cursor'),
  'get /events': (s) => ({
    path: `/events?channels=board:${s.board},topic:${s.topic}`,
    status: 200,
    rights: [[`board:${s.board}`, `topic:${s.topic}`]],
  }),
  'post /sessions': (s) => ({
    path: '/sessions',
    body: { id: `${s.name}-new` },
    status: 201,
    rights: [[`session:${s.name}-new`]],
    speaksFor: 'session',
  }),
  'get /sessions': () => list('/sessions'),
  'get /sessions/:sessionId': (s) => onSession(s, '', 200),
  'patch /sessions/:sessionId': (s) => ({ ...onSession(s, '', 200, { status: 'working' }), speaksFor: 'session' }),
  'post /sessions/:sessionId/output': (s) => ({
    ...onSession(s, '/output', 202, { content: 'x' }),
    speaksFor: 'session',
  }),
  'get /sessions/:sessionId/output': (s) => onSession(s, '/output', 200),
  'post /workflow-runs': (s) => ({
    path: '/workflow-runs',
    body: { name: 'New', boardId: s.board },
    status: 201,
    rights: [[`board:${s.board}`]],
  }),
  'get /workflow-runs': () => list('/workflow-runs'),
  'get /workflow-runs/:runId': (s) => onRun(s, '', 200),
  'patch /workflow-runs/:runId': (s) => onRun(s, '', 200, { currentStep: 'x' }),
  'post /workflow-runs/:runId/steps': (s) => onRun(s, '/steps', 201, { name: 'New' }),
  'get /workflow-runs/:runId/steps': (s) => onRun(s, '/steps', 200),
  'get /workflow-runs/:runId/steps/:stepId': (s) => onRun(s, `/steps/${s.step}`, 200),
  'patch /workflow-runs/:runId/steps/:stepId': (s) => onRun(s, `/steps/${s.step}`, 200, { status: 'running' }),
  'post /shells': (s) => ({
    path: '/shells',
    body: { id: `${s.name}-new` },
    status: 201,
    rights: [[`shell:${s.name}-new`]],
  }),
  'get /shells': () => list('/shells'),
  'get /shells/:shellId': (s) => onShell(s, '', 200),
  'post /shells/:shellId/output': (s) => onShell(s, '/output', 202, { data: 'x' }),
  'get /shells/:shellId/output': (s) => onShell(s, '/output', 200),
  'post /shells/:shellId/exit': (s) => onShell(s, '/exit', 200, { code: 0 }),
  'post /shells/:shellId/error': (s) => onShell(s, '/error', 202, { error: 'x' }),
  'get /dashboard': () => ({ path: '/dashboard', status: 200, rights: [['dashboard']] }),
  'post /tasks': (s) => ({
    path: '/tasks',
    body: { name: 'New', session_id: s.session },
    status: 201,
    rights: [[`session:${s.session}`]],
  }),
  'get /tasks': () => list('/tasks'),
  'get /tasks/:taskId': (s) => onTask(s, '', 200),
  'patch /tasks/:taskId': (s) => onTask(s, '', 200, { name: 'Other' }),
  'post /tasks/:taskId/subtasks': (s) => onTask(s, '/subtasks', 201, { description: 'New' }),
  'get /tasks/:taskId/subtasks': (s) => onTask(s, '/subtasks', 200),
  'get /subtasks/:subtaskId': (s) => onSubtask(s, 200),
  'patch /subtasks/:subtaskId': (s) => onSubtask(s, 200, { description: 'Other' }),
  'post /messages': (s) => ({
    path: '/messages',
    body: { from_agent: s.agent, to_agent: s.agent, topic: s.topic, content: 'x' },
    status: 201,
    rights: [[`agent:${s.agent}`, `topic:${s.topic}`]],
    speaksFor: 'agent',
  }),
  'post /messages/:messageId/read': (s) => ({
    path: `/messages/${s.message}/read`,
    body: { agent_id: s.agent },
    status: 200,
    rights: [[`agent:${s.agent}`]],
    shows: [`agent:${s.agent}`],
    speaksFor: 'agent',
  }),
  'get /metrics/snapshot': () => ({ path: '/metrics/snapshot', status: 200, rights: [['metrics']] }),
  'post /tickets': () => ({ path: '/tickets', body: {}, status: 201, rights: [[]], isList: true }),
}

function list(path: string): Sample {
  return { path, status: 200, rights: [[]], isList: true }
}

function onBoard({ board }: Scene, rest: string, status: number, body?: object): Sample {
  return { path: `/boards/${board}${rest}`, status, rights: [[`board:${board}`]], ...(body && { body }) }
}

function onCard({ board, card }: Scene, rest: string, status: number, body?: object): Sample {
  const rights = [[`board:${board}`], [`card:${card}`]]
  return { path: `/cards/${card}${rest}`, status, rights, ...(body && { body }) }
}

function onAttempt({ board, attempt }: Scene, rest: string, status: number, body?: object): Sample {
  const rights = [[`board:${board}`], [`attempt:${attempt}`]]
  return { path: `/attempts/${attempt}${rest}`, status, rights, ...(body && { body }) }
}

function onAgent({ agent }: Scene, rest: string, status: number, body?: object): Sample {
  return { path: `/agents/${agent}${rest}`, status, rights: [[`agent:${agent}`]], ...(body && { body }) }
}

function onProfile({ board, agent, profile }: Scene, status: number, body?: object): Sample {
  const rights = [[`board:${board}`], [`agent:${agent}`]]
  return { path: `/agent-profiles/${profile}`, status, rights, ...(body && { body }) }
}

function onSession({ session }: Scene, rest: string, status: number, body?: object): Sample {
  return { path: `/sessions/${session}${rest}`, status, rights: [[`session:${session}`]], ...(body && { body }) }
}

function onRun({ board, run }: Scene, rest: string, status: number, body?: object): Sample {
  const rights = [[`board:${board}`], [`workflow:run:${run}`]]
  return { path: `/workflow-runs/${run}${rest}`, status, rights, ...(body && { body }) }
}

function onShell({ board, shell }: Scene, rest: string, status: number, body?: object): Sample {
  const rights = [[`board:${board}`], [`shell:${shell}`]]
  return { path: `/shells/${shell}${rest}`, status, rights, ...(body && { body }) }
}

function onTask({ session, task }: Scene, rest: string, status: number, body?: object): Sample {
  return { path: `/tasks/${task}${rest}`, status, rights: [[`session:${session}`]], ...(body && { body }) }
}

function onSubtask({ session, agent, subtask }: Scene, status: number, body?: object): Sample {
  const rights = [[`session:${session}`], [`agent:${agent}`]]
  return { path: `/subtasks/${subtask}`, status, rights, ...(body && { body }) }
}
