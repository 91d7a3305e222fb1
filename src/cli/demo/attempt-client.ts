import type { Api } from '../api/api.ts'
import type { TerminalLine } from './log-text.ts'

export interface Todo {
  readonly id: string
  readonly text: string
  readonly status: 'open' | 'done'
}

export interface ToolCall {
  readonly name: string
  readonly status: 'running' | 'succeeded' | 'failed'
  readonly command: string
  readonly exitCode?: number
  readonly durationMs?: number
}

/** The API calls that an agent makes while it works on one attempt. */
export interface AttemptClient {
  log(lines: readonly TerminalLine[]): Promise<void>
  say(role: 'user' | 'assistant', text: string): Promise<void>
  think(text: string): Promise<void>
  /** The same id again replaces the call, for example when it has ended. */
  tool(id: string, call: ToolCall): Promise<void>
  setUp(command: string, cwd: string, durationMs: number): Promise<void>
  todos(items: readonly Todo[]): Promise<void>
  session(sessionId: string, worktreePath: string): Promise<void>
  changed(paths: readonly string[]): Promise<void>
  gitStatus(branch: string, ahead: number, modified: number): Promise<void>
  commit(shortSha: string, subject: string, author: string): Promise<void>
  push(branch: string, error?: string): Promise<void>
  pullRequest(pr: PullRequest): Promise<void>
}

export interface PullRequest {
  readonly number: number
  readonly url: string
  readonly state: 'open' | 'closed'
  readonly draft: boolean
  readonly title: string
  readonly headRef: string
  readonly baseRef: string
  readonly merged?: boolean
}

export function createAttemptClient(api: Api, boardId: string, attemptId: string): AttemptClient {
  const attempt = `/attempts/${attemptId}`
  const git = `/boards/${boardId}/git`

  async function post(path: string, body: unknown): Promise<void> {
    await api.send('POST', path, { body })
  }
  const converse = (item: unknown) => post(`${attempt}/conversation`, item)

  return {
    log(terminalLines) {
      const ts = new Date().toISOString()
      const lines = terminalLines.map(({ message, level = 'info', stream = 'stdout' }) => ({
        level,
        message,
        ts,
        stream,
      }))
      return post(`${attempt}/logs`, { lines })
    },
    say: (role, text) => converse({ type: 'message', role, text }),
    think: (text) => converse({ type: 'thinking', text }),
    tool: (id, tool) => converse({ id, type: 'tool', tool }),
    setUp: (command, cwd, durationMs) =>
      converse({ type: 'automation', stage: 'setup', command, cwd, status: 'succeeded', exitCode: 0, durationMs }),
    async todos(items) {
      await api.send('PUT', `${attempt}/todos`, { body: { items } })
    },
    session: (sessionId, worktreePath) => post(`${attempt}/session`, { sessionId, worktreePath }),
    changed: (paths) =>
      post(`/boards/${boardId}/files/changes`, { changes: paths.map((path) => ({ path, kind: 'modified' })) }),
    gitStatus: (branch, ahead, modified) =>
      post(`${git}/status`, {
        attemptId,
        branch,
        ahead,
        behind: 0,
        hasUncommitted: modified > 0,
        summary: { added: 0, modified, deleted: 0, untracked: 0, staged: 0 },
      }),
    commit: (shortSha, subject, author) => post(`${git}/commits`, { attemptId, shortSha, subject, author }),
    push: (branch, error) =>
      post(`${git}/pushes`, {
        attemptId,
        remote: 'origin',
        branch,
        ok: error === undefined,
        ...(error === undefined ? {} : { error }),
      }),
    pullRequest: (pr) => post(`${attempt}/pr`, pr),
  }
}
