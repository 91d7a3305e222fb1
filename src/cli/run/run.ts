import { type Api, type ApiOptions, boardPage, createApi } from '../api/api.ts'
import { watchAttempt } from '../api/attempt-watch.ts'
import { exitCode, signalExitCode } from '../process/exit.ts'
import { type EndingSignal, onEndingSignal, onSuspend } from '../process/signals.ts'
import { type AttemptReport, createAttemptReport, type Outcome } from './attempt-report.ts'
import { type Child, type Ending, startChild } from './child.ts'
import { createLogShipper, type LogLine, type LogShipper } from './log-shipper.ts'
import { createOutputTee, drainOutput, type OutputTee } from './output-tee.ts'
import { type RunTarget, type StartedAttempt, startAttempt } from './run-target.ts'

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

type Phase = 'starting' | 'running' | 'reporting'

/** Runs a program as an attempt. Resolves to the exit code of the program. */
export async function run(command: RunCommand): Promise<number> {
  const attemptRun = new AttemptRun(command)
  onEndingSignal((signal, nth) => attemptRun.onSignal(signal, nth))
  return attemptRun.run()
}

/**
 *   starting   the attempt is being created; after a signal the program is not started
 *   running    output is passed through and logged; a signal, or a stop from the board, ends the program, a second at once
 *   reporting  the program has ended; the last lines and the status are sent; a signal only shortens the wait
 */
class AttemptRun {
  readonly #command: RunCommand
  readonly #api: Api
  readonly #startedAt = performance.now()
  readonly #patience = new AbortController()
  readonly #tees: OutputTee[] = []
  #phase: Phase = 'starting'
  /** The signal that came first. */
  #signalled: EndingSignal | undefined
  #stop: Stop | undefined
  #child: Child | undefined
  #killTimer: NodeJS.Timeout | undefined
  /** Of the attempt, once there is one. */
  #report: AttemptReport | undefined

  constructor(command: RunCommand) {
    this.#command = command
    this.#api = createApi(command)
  }

  onSignal(signal: EndingSignal, nth: number): void {
    this.#signalled = signal
    if (this.#phase === 'starting') {
      if (nth > 1) process.exit(signalExitCode(signal))
    } else if (this.#phase === 'running') {
      const isAgain = this.#stop?.by === 'signal' && nth > 1
      this.#stopBySignal(signal)
      // At a terminal the first Ctrl-C was none of ours, and a second one is a SIGTERM.
      if (isAgain && (this.#child?.ownGroup || nth > 2)) this.#child?.signal('SIGKILL')
      else if (this.#child?.forward(signal)) this.#killLater()
    } else {
      setTimeout(() => this.#patience.abort(), hurriedReportWithinMs).unref()
    }
  }

  async run(): Promise<number> {
    const { target, agent, cmd } = this.#command
    const attempt = await startAttempt(this.#api, target, agent)
    const { info, warn } = this
    const { signal } = this.#patience
    const report = createAttemptReport({ api: this.#api, attemptId: attempt.id, signal, info, warn })
    this.#report = report
    this.info(`${attempt.label} ${boardPage(this.#api.baseUrl, attempt.boardId)}`)
    const shipper = createLogShipper({ post: (json) => report.postLines(json), onRoom: () => this.#resumeOutput() })
    const finish = (outcome: Outcome) => this.#finish(outcome, { attempt, report, shipper })

    if (this.#signalled !== undefined) {
      const stop = this.#stopBySignal(this.#signalled)
      return finish(outcomeOf({ exitCode: signalExitCode(this.#signalled), signal: this.#signalled }, stop))
    }
    let child: Child
    try {
      child = await startChild(cmd)
    } catch (error) {
      const outcome = notStarted(cmd[0] ?? '', error)
      this.warn(outcome.error)
      return finish(outcome)
    }
    this.#onStarted(child, shipper)
    const unwatch = this.#watch(attempt, child)
    const ending = await child.ended
    clearTimeout(this.#killTimer)
    unwatch()
    await drainOutput(this.#tees)
    return finish(outcomeOf(ending, this.#stop))
  }

  readonly warn = (text: string): void => {
    process.stderr.write(`boardcast: ${text}\n`)
  }

  readonly info = (text: string): void => {
    if (!this.#command.quiet) this.warn(text)
  }

  #onStarted(child: Child, shipper: LogShipper): void {
    this.#phase = 'running'
    this.#child = child
    if (this.#signalled !== undefined) {
      // The signal came while the program was being started, so the program has not received it.
      this.#stopBySignal(this.#signalled)
      child.signal(this.#signalled)
      this.#killLater()
    }
    if (child.ownGroup) onSuspend({ suspend: () => child.signal('SIGSTOP'), resume: () => child.signal('SIGCONT') })
    if (child.withoutPipes !== undefined) {
      this.info(
        `the program gets sockets, not pipes (${child.withoutPipes}): it cannot open /dev/stdout or /dev/stderr`,
      )
    }
    this.#tees.push(
      createOutputTee(child.stdout, process.stdout, this.#logTo(shipper, 'stdout')),
      createOutputTee(child.stderr, process.stderr, this.#logTo(shipper, 'stderr')),
    )
  }

  /** Programs write ordinary progress to stderr too, so all lines are `info`; `stream` tells them apart. */
  #logTo(shipper: LogShipper, stream: LogLine['stream']) {
    return (messages: readonly string[]): void => {
      const ts = new Date().toISOString()
      for (const message of messages) shipper.push({ level: 'info', message, ts, stream })
      if (shipper.isFull()) for (const tee of this.#tees) tee.pause()
    }
  }

  #resumeOutput(): void {
    for (const tee of this.#tees) tee.resume()
  }

  /** Ends the program if the attempt is stopped from the board. The function returned ends the watch. */
  #watch(attempt: StartedAttempt, child: Child): () => void {
    return watchAttempt(this.#api, {
      attemptId: attempt.id,
      since: attempt.since,
      onStatus: (status) => {
        if (status !== 'stopping' || this.#stop !== undefined) return
        this.#stop = { by: 'board' }
        this.info('stopped from the board')
        child.signal('SIGTERM')
        this.#killLater()
      },
    })
  }

  #stopBySignal(signal: EndingSignal): Stop {
    this.#stop ??= { by: 'signal', signal, announced: this.#report?.announceStop() ?? Promise.resolve() }
    return this.#stop
  }

  #killLater(): void {
    this.#killTimer ??= setTimeout(() => this.#child?.signal('SIGKILL'), killAfterMs)
  }

  async #finish(
    outcome: Outcome,
    { attempt, report, shipper }: { attempt: StartedAttempt; report: AttemptReport; shipper: LogShipper },
  ): Promise<number> {
    this.#phase = 'reporting'
    const timer = setTimeout(() => this.#patience.abort(), reportWithinMs)
    await shipper.finish()
    if (this.#stop?.by === 'signal') await this.#stop.announced
    const settled = await report.settle(outcome)
    clearTimeout(timer)

    const { acknowledged, refused } = shipper.counts()
    const seconds = ((performance.now() - this.#startedAt) / 1_000).toFixed(1)
    this.info(`${attempt.label} ${outcome.status}, ${counted(acknowledged, 'line')}, ${seconds} s`)
    if (refused > 0) this.warn(`LOST: ${counted(refused, 'line')} of output did not reach ${this.#api.baseUrl}`)
    if ('failure' in settled) this.warn(`LOST: the status ${outcome.status} was not recorded: ${settled.failure}`)
    else if (settled.status !== outcome.status) {
      this.warn(`the board shows ${settled.status}, not ${outcome.status}: somebody else has changed the attempt`)
    }
    return outcome.exitCode
  }
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
