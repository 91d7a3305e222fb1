import { type ApiOptions, boardPage, createApi } from '../api/api.ts'
import { watchAttempt } from '../api/attempt-watch.ts'
import { exitCode, signalExitCode } from '../process/exit.ts'
import { type EndingSignal, onEndingSignal, onPause } from '../process/signals.ts'
import { createAttemptReport, type Outcome } from './attempt-report.ts'
import { type Child, type Ending, startChild } from './child.ts'
import { createLogShipper, type LogLine } from './log-shipper.ts'
import { createRelay, drain, type Relay } from './relay.ts'
import { beginAttempt, type RunTarget } from './run-target.ts'

export interface RunCommand extends ApiOptions {
  readonly target: RunTarget
  readonly cmd: readonly string[]
  readonly agent?: string
  readonly quiet?: boolean
}

/** A program that was asked to end, from the board or by a signal, has this long before it is killed. */
const killAfterMs = 10_000
/** How long the server may stay away after the program's end before its last lines are given up. */
const reportWithinMs = 60_000
/** The same, once a person at the keyboard has had enough of waiting. */
const hurriedReportWithinMs = 1_000

/** Who asked for the end, if anybody did: it makes the attempt `stopped` whatever the exit code is. */
type Stop =
  | { readonly by: 'signal'; readonly signal: EndingSignal; readonly announced: Promise<void> }
  | { readonly by: 'board' }

// The life of a run:
//   starting   the attempt is made; a signal is noted, and the program then never starts
//   running    output goes through and to the log; a signal, or a stop from the board, ends the program
//   reporting  the program has ended; the last lines and the status go out; a signal only shortens the patience
interface Progress {
  phase: 'starting' | 'running' | 'reporting'
  signalled?: EndingSignal
  child?: Child
  stop?: Stop
  killTimer?: NodeJS.Timeout
}

/** Runs a program as an attempt; resolves to the exit code, which is the program's own. */
export async function run(command: RunCommand): Promise<number> {
  const startedAt = performance.now()
  const say = (text: string) => process.stderr.write(`boardcast: ${text}\n`)
  const talk = command.quiet ? () => {} : say
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
  const attempt = await beginAttempt(api, command.target, command.agent)
  const report = createAttemptReport({ api, attemptId: attempt.id, signal: patience.signal, talk, say })
  talk(`${attempt.label} ${boardPage(api.baseUrl, attempt.boardId)}`)

  const relays: Relay[] = []
  const shipper = createLogShipper({
    post: (json) => report.postLines(json),
    onRoom() {
      for (const relay of relays) relay.release()
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
    talk(`${attempt.label} ${outcome.status}, ${counted(acknowledged, 'line')}, ${seconds} s`)
    if (refused > 0) say(`LOST: ${counted(refused, 'line')} of output did not reach ${api.baseUrl}`)
    if ('failure' in settled) say(`LOST: the status ${outcome.status} was not recorded: ${settled.failure}`)
    else if (settled.status !== outcome.status) {
      say(
        `the board shows ${settled.status}, not ${outcome.status}: the attempt was changed by somebody else meanwhile`,
      )
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
    say(outcome.error)
    return await finish(outcome)
  }
  now.phase = 'running'
  now.child = child
  if (now.signalled !== undefined) {
    // It came while the program was being started, so nobody has given it to the program.
    now.stop = { by: 'signal', signal: now.signalled, announced: report.announceStop() }
    child.signal(now.signalled)
    killLater()
  }
  if (child.ownGroup) onPause({ stop: () => child.signal('SIGSTOP'), goOn: () => child.signal('SIGCONT') })
  if (child.withoutPipes !== undefined) {
    talk(`the program gets sockets, not pipes (${child.withoutPipes}): it cannot open /dev/stdout or /dev/stderr`)
  }

  // Programs write ordinary progress to stderr, so a line there is `info` like any other; `stream` tells them apart.
  const log = (stream: LogLine['stream']) => (messages: readonly string[]) => {
    const ts = new Date().toISOString()
    for (const message of messages) shipper.push({ level: 'info', message, ts, stream })
    if (shipper.isFull()) for (const relay of relays) relay.hold()
  }
  relays.push(
    createRelay(child.stdout, process.stdout, log('stdout')),
    createRelay(child.stderr, process.stderr, log('stderr')),
  )

  const unwatch = watchAttempt(api, {
    attemptId: attempt.id,
    since: attempt.since,
    onStatus(status) {
      if (status !== 'stopping' || now.stop !== undefined) return
      now.stop = { by: 'board' }
      talk('stopped from the board')
      child.signal('SIGTERM')
      killLater()
    },
  })

  const ending = await child.ended
  clearTimeout(now.killTimer)
  unwatch()
  await drain(relays)
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
      ? 'Give the program and its arguments as separate words.'
      : 'Check its name and the PATH.'
    return { status: 'failed', exitCode: exitCode.notFound, error: `cannot start "${file}": not found. ${fix}` }
  }
  const reason = code === 'EACCES' ? 'not executable. Try chmod +x.' : String(error)
  return { status: 'failed', exitCode: exitCode.cannotExecute, error: `cannot start "${file}": ${reason}` }
}
