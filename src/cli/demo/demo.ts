import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Api, type ApiOptions, boardPage, createApi } from '../api/api.ts'
import { Unreachable } from '../api/api-errors.ts'
import { socketPathOf } from '../api/fetch.ts'
import { applyDemoServerDefaults, readEnvironment } from '../process/environment.ts'
import { exitCode, signalExitCode } from '../process/exit.ts'
import { type OutputOptions, talk } from '../process/output.ts'
import { type EndingSignal, onEndingSignal } from '../process/signals.ts'
import { startFailure } from '../process/start-failure.ts'
import { openBoard } from './board.ts'
import { runSimulation } from './simulation.ts'

export interface DemoCommand extends ApiOptions, OutputOptions {
  readonly board: string
  readonly speed: number
  readonly seed: number
  readonly once?: boolean
}

/** Plays a demo on a board through the public API, until Ctrl-C or for one round. Resolves to the exit code. */
export async function demo(command: DemoCommand): Promise<number> {
  const end = new AbortController()
  let signalled: EndingSignal | undefined
  onEndingSignal((signal, nth) => {
    if (nth > 1) process.exit(signalExitCode(signal))
    signalled = signal
    end.abort()
  })

  const { api, close } = await findServer(command)
  try {
    const board = await openBoard(api, command.board)
    process.stdout.write(
      `board:  ${boardPage(api.baseUrl, command.board)}\nstream: ${streamCommand(api, command.board)}\n`,
    )
    const { speed, seed, once = false } = command
    const report = command.quiet ? () => {} : reporter(command)
    await runSimulation({ api, board, speed, seed, once, signal: end.signal, report })
  } finally {
    await close()
  }
  return signalled === undefined ? exitCode.done : signalExitCode(signalled)
}

function streamCommand({ baseUrl, credentials }: Api, boardId: string): string {
  const path = `/sse?boardId=${encodeURIComponent(boardId)}`
  // Not the token itself, which would stay in the scrollback.
  const header = credentials().Authorization === undefined ? '' : '-H "Authorization: Bearer $BOARDCAST_TOKEN" '
  const socketPath = socketPathOf(baseUrl)
  return socketPath === undefined
    ? `curl -N ${header}'${baseUrl}${path}'`
    : `curl -N ${header}--unix-socket '${socketPath}' 'http://localhost${path}'`
}

interface FoundServer {
  readonly api: Api
  close(): Promise<void>
}

/** The server that the user named, else one at the default address, else a new one in this process. */
async function findServer(command: DemoCommand): Promise<FoundServer> {
  const api = createApi(command)
  const asked = { api, close: async () => {} }
  if (command.url !== undefined || readEnvironment().url !== undefined) return asked
  try {
    await api.send('GET', '/cursor', { patience: { unreachableMs: 0, busyMs: 10_000 } })
    return asked
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error
  }
  return await startServer()
}

/** Uses a temporary database unless the user named one, so that the demo leaves nothing behind. */
async function startServer(): Promise<FoundServer> {
  applyDemoServerDefaults()
  const { dbPath, databaseUrl } = readEnvironment()
  const folder =
    dbPath === undefined && databaseUrl === undefined ? await mkdtemp(join(tmpdir(), 'boardcast-demo-')) : undefined
  const removeFolder = async () => {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  }
  try {
    // Not `main`, which handles Ctrl-C itself and would close the server before the demo has stopped its attempts.
    const { startOwnServer } = await import('../../main.ts')
    const { server, token } = await startOwnServer(folder === undefined ? {} : { dbPath: join(folder, 'demo.db') })
    return {
      // A password in the variable is read from there: as an option, "@" would make it the name of a file.
      api: createApi({ url: server.url, token: readEnvironment().token === undefined ? token : undefined }),
      async close() {
        await server.close()
        await removeFolder()
      },
    }
  } catch (error) {
    await removeFolder()
    throw await startFailure(error)
  }
}

function reporter(options: OutputOptions) {
  const { paint } = talk(options)
  return (agentId: string, ticketKey: string, text: string): void => {
    const line = { time: new Date().toTimeString().slice(0, 8), agent: agentId.padEnd(8), key: ticketKey.padEnd(8) }
    process.stderr.write(`${paint('dim', line.time)} ${paint('cyan', line.agent)} ${line.key} ${text}\n`)
  }
}
