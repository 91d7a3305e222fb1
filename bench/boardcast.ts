/**
 * Boardcast as users run it: `node dist/cli.js serve` with its defaults, a fresh database on disk, every POST committed and
 * fsynced before it is answered or seen.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Addresses, type Kind, type Running, type Side, startProcess } from './side.ts'
import { DISK, removeFolder, tempFolder } from './temp.ts'

export const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url))
/** Extra flags for Node, such as those that write profiles. */
const NODE_ARGS = process.env.BENCH_NODE_ARGS?.split(/\s+/).filter(Boolean) ?? []

export interface Settings {
  readonly kind?: Kind
  readonly boards?: number
  readonly env?: Readonly<Record<string, string>>
  /** What its own POSTs carry, where rights are on. */
  readonly token?: string
}

export interface Boardcast extends Running {
  readonly boards: ReadonlyArray<{ readonly id: string; readonly attemptId: string }>
  /** One "stream publish" line per board, for the generator. */
  readonly routes: string
  readonly dbPath: string
  post<T>(path: string, body: unknown): Promise<T>
  /** Stops the server and starts it again on its database; resolves to the milliseconds until it answers. */
  restart(): Promise<{ readonly server: Boardcast; readonly readyMs: number }>
}

export const boardcast: Side = side('boardcast', 'Boardcast', 'sse')
export const boardcastWs: Side = side('boardcast-ws', 'Boardcast, WebSocket', 'ws')

/** A log line of an attempt: the event that loads measure by default. */
const LINE = { before: '{"message":"', item: '%t%p', after: '"}' }

/** Starts a server with that many boards, each with a running attempt. */
export async function startBoardcast(settings: Settings = {}): Promise<Boardcast> {
  const folder = tempFolder('bench', DISK)
  let server: Launched | undefined
  try {
    server = await launch(folder, settings)
    const boards = []
    for (let n = 0; n < (settings.boards ?? 1); n++) boards.push(await makeBoard(server.post, `bench-${n}`))
    return running(folder, settings, server, boards)
  } catch (error) {
    await server?.stop()
    removeFolder(folder)
    throw error
  }
}

type Post = <T>(path: string, body: unknown) => Promise<T>
interface Launched {
  readonly pid: number
  readonly port: number
  readonly post: Post
  stop(): Promise<void>
}

async function launch(folder: string, { env = {}, token }: Settings): Promise<Launched> {
  const { pid, port, stop } = await startProcess({
    command: process.execPath,
    args: [...NODE_ARGS, CLI, 'serve'],
    env: {
      PORT: '0',
      BOARDCAST_DB: join(folder, 'boardcast.db'),
      BOARDCAST_DRAIN_MS: '50',
      LOG_LEVEL: 'error',
      ...env,
    },
  })
  return { pid, port, stop, post: poster(port, token) }
}

function running(folder: string, settings: Settings, server: Launched, boards: Boardcast['boards']): Boardcast {
  const { kind = 'sse' } = settings
  const routes = join(folder, 'routes')
  const all = boards.map((board) => addressesOn(board, kind))
  writeFileSync(routes, all.map(({ stream, publish }) => `${stream} ${publish}\n`).join(''))
  return {
    kind,
    port: server.port,
    pids: [server.pid],
    addresses: all[0] ?? { stream: '/sse', publish: '/', ...LINE },
    boards,
    routes,
    dbPath: join(folder, 'boardcast.db'),
    post: server.post,
    async stop() {
      await server.stop()
      removeFolder(folder)
    },
    async restart() {
      await server.stop()
      const began = performance.now()
      const again = await launch(folder, settings)
      await fetch(`http://127.0.0.1:${again.port}/health/ready`)
      return { server: running(folder, settings, again, boards), readyMs: performance.now() - began }
    },
  }
}

function addressesOn({ id, attemptId }: Boardcast['boards'][number], kind: Kind): Addresses {
  const stream = kind === 'ws' ? `/ws?boardId=${id}` : `/sse?boardId=${id}&view=diff`
  return { stream, publish: `/api/v1/attempts/${attemptId}/logs`, ...LINE }
}

function poster(port: number, token?: string): Post {
  return async (path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}/api/v1${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as never
  }
}

async function makeBoard(post: Post, id: string): Promise<Boardcast['boards'][number]> {
  await post('/boards', { id, name: id })
  const card = await post<{ id: string }>(`/boards/${id}/cards`, { title: 'A card that is worked on' })
  const attempt = await post<{ id: string }>(`/cards/${card.id}/attempts`, { agent: 'bench', status: 'running' })
  return { id, attemptId: attempt.id }
}

function side(name: string, title: string, kind: Kind): Side {
  return { name, title, kind, missing: () => undefined, start: () => startBoardcast({ kind }) }
}
