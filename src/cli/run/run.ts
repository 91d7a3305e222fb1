import { type ApiOptions, boardPage, createApi } from '../api/api.ts'
import { watchAttempt } from '../api/attempt-watch.ts'
import { exitCode, signalExitCode } from '../process/exit.ts'
import { type EndingSignal, onEndingSignal, onSuspend } from '../process/signals.ts'
import { createAttemptReport, type Outcome } from './attempt-report.ts'
import { type Child, type Ending, startChild } from './child.ts'
import { createLogShipper, type LogLine } from './log-shipper.ts'
import { createOutputTee, drainOutput, type OutputTee } from './output-tee.ts'
import { type RunTarget, startAttempt } from './run-target.ts'

export interface RunCommand extends ApiOptions {
  readonly target: RunTarget
  readonly cmd: readonly string[]
  readonly agent?: string
  readonly quiet?: boolean
}

/** A program that was asked to end, from the board or by a signal, is killed after this long. */
const killAfterMs = 10_000
/** After the program has ended, its last lines are given up if the server is unreachable for this long. */
const reportWithinMs = 60_000
/** The same, after another signal: the user does not want to wait. */
const hurriedReportWithinMs = 1_000

/** A request to stop. With one, the attempt ends as `stopped`, whatever the exit code is. */
type Stop =
  | { readonly by: 'signal'; readonly signal: EndingSignal; readonly announced: Promise<void> }
  | { readonly by: 'board' }

// The phases of a run:
//   starting   the attempt is being created; after a signal the program is not started
//   running    output is passed through and logged; a signal, or a stop from the board, ends the program
//   reporting  the program has ended; the last lines and the status are sent; a signal only shortens the wait
interface Progress {
  phase: 'starting' | 'running' | 'reporting'
  signalled?: EndingSignal
  child?: Child
  stop?: Stop
  killTimer?: NodeJS.Timeout
}

/** Runs a program as an attempt. Resolves to the exit code of the program. */
export async function run(command: RunCommand): Promise<number> {
  const startedAt = performance.now()
  const warn = (text: string) => process.stderr.write(`boardcast: ${text}\n`)
  const info = command.quiet ? () => {} : warn
  const now: Progress = { phase: 'starting' }
  const patience = new AbortController()

  onEndingSignal((signal, nth) => {
    now.signalled = signal
    if (now.phase === 'starting') {
      if (nth > 1) process.exit(signalExitCode(signal))
    } else if (now.phase === 'running') {
      now.stop ??= { by: 'signal', signal, announced: report.announceStop() }
      if (now.child?.forward(signal)) killLater()
    } else {
      setTimeout(() => patience.abort(), hurriedReportWithinMs).unref()
    }
  })

  function killLater(): void {
    now.killTimer ??= setTimeout(() => now.child?.signal('SIGKILL'), killAfterMs)
  }

  const api = createApi(command)
  const attempt = await startAttempt(api, command.target, command.agent)
  const report = createAttemptReport({ api, attemptId: attempt.id, signal: patience.signal, info, warn })
  info(`${attempt.label} ${boardPage(api.baseUrl, attempt.boardId)}`)

  const tees: OutputTee[] = []
  const shipper = createLogShipper({
    post: (json) => report.postLines(json),
    onRoom() {
      for (const tee of tees) tee.resume()
    },
  })

  async function finish(outcome: Outcome): Promise<number> {
    now.phase = 'reporting'
    const timer = setTimeout(() => patience.abort(), reportWithinMs)
    await shipper.finish()
    if (now.stop?.by === 'signal') await now.stop.announced
    const settled = await report.settle(outcome)
    clearTimeout(timer)

    const { acknowledged, refused } = shipper.counts()
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
    info(`${attempt.label} ${outcome.status}, ${counted(acknowledged, 'line')}, ${seconds} s`)
    if (refused > 0) warn(`LOST: ${counted(refused, 'line')} of output did not reach ${api.baseUrl}`)
    if ('failure' in settled) warn(`LOST: the status ${outcome.status} was not recorded: ${settled.failure}`)
    else if (settled.status !== outcome.status) {
      warn(`the board shows ${settled.status}, not ${outcome.status}: somebody else has changed the attempt`)
    }
    return outcome.exitCode
  }

  if (now.signalled !== undefined) {
    const signal = now.signalled
    now.stop = { by: 'signal', signal, announced: report.announceStop() }
    return await finish(outcomeOf({ exitCode: signalExitCode(signal), signal }, now.stop))
  }
  let child: Child
  try {
    child = await startChild(command.cmd)
  } catch (error) {
    const outcome = notStarted(command.cmd[0] ?? '', error)
    warn(outcome.error)
    return await finish(outcome)
  }
  now.phase = 'running'
  now.child = child
  if (now.signalled !== undefined) {
    // The signal came while the program was being started, so the program has not received it.
    now.stop = { by: 'signal', signal: now.signalled, announced: report.announceStop() }
    child.signal(now.signalled)
    killLater()
  }
  if (child.ownGroup) onSuspend({ suspend: () => child.signal('SIGSTOP'), resume: () => child.signal('SIGCONT') })
  if (child.withoutPipes !== undefined) {
    info(`the program gets sockets, not pipes (${child.withoutPipes}): it cannot open /dev/stdout or /dev/stderr`)
  }

  // Programs write ordinary progress to stderr too, so all lines are `info`; `stream` tells them apart.
  const log = (stream: LogLine['stream']) => (messages: readonly string[]) => {
    const ts = new Date().toISOString()
    for (const message of messages) shipper.push({ level: 'info', message, ts, stream })
    if (shipper.isFull()) for (const tee of tees) tee.pause()
  }
  tees.push(
    createOutputTee(child.stdout, process.stdout, log('stdout')),
    createOutputTee(child.stderr, process.stderr, log('stderr')),
  )

  const unwatch = watchAttempt(api, {
    attemptId: attempt.id,
    since: attempt.since,
    onStatus(status) {
      if (status !== 'stopping' || now.stop !== undefined) return
      now.stop = { by: 'board' }
      info('stopped from the board')
      child.signal('SIGTERM')
      killLater()
    },
  })

  const ending = await child.ended
  clearTimeout(now.killTimer)
  unwatch()
  await drainOutput(tees)
  return await finish(outcomeOf(ending, now.stop))
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

function outcomeOf(ending: Ending, stop: Stop | undefined): Outcome {
  if (stop !== undefined) {
    const error = stop.by === 'signal' ? `stopped by ${stop.signal}` : undefined
    return { status: 'stopped', exitCode: ending.exitCode, error }
  }
  if (ending.exitCode === 0) return { status: 'succeeded', exitCode: 0 }
  const error = ending.signal === undefined ? `exit code ${ending.exitCode}` : `killed by ${ending.signal}`
  return { status: 'failed', exitCode: ending.exitCode, error }
}

function notStarted(file: string, error: unknown): Outcome & { readonly error: string } {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT' || file === '') {
    const fix = /\s/.test(file)
      ? 'Pass the program and its arguments as separate words.'
      : 'Check its name and the PATH.'
    return { status: 'failed', exitCode: exitCode.notFound, error: `cannot start "${file}": not found. ${fix}` }
  }
  const reason = code === 'EACCES' ? 'not executable. Try chmod +x.' : String(error)
  return { status: 'failed', exitCode: exitCode.cannotExecute, error: `cannot start "${file}": ${reason}` }
}
