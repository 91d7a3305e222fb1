/** Listens, runs the command, and judges every event until all verdicts are final. */

import { Judge } from '../../expect/judge/judge.ts'
import { Timing } from '../../expect/judge/timing.ts'
import type { CommandResult } from '../../expect/report/run.ts'
import { type Api, endlessPatience } from '../api/api.ts'
import { CommandError, exitCode } from '../process/exit.ts'
import { type Interrupt, onInterrupt } from '../process/interrupt.ts'
import type { Talk } from '../process/output.ts'
import type { EventItem } from '../stream/event-source.ts'
import { newestId } from '../stream/log-pages.ts'
import { lossNotice } from '../tail/loss-notice.ts'
import { endCommand, type RunningCommand, startCommand } from './command.ts'
import type { Plan, Suite } from './plan.ts'
import { Streams } from './streams.ts'

/** How long a stream may stay lost if nothing else says so. */
const LOST_MS = 10_000

export interface ObservationOptions {
  readonly plan: Plan
  readonly api: Api
  readonly talk: Talk
  readonly waitServer: number | undefined
  /** The command's stdout goes to stderr. */
  readonly outputToStderr: boolean
}

export interface Observed {
  readonly judges: readonly Judge[]
  readonly startedAt: Date
  readonly durationMs: number
  readonly cursor: { readonly from: string; readonly to: string }
  readonly command: CommandResult | undefined
  readonly stopped: Stop | undefined
}

interface Stop {
  readonly exitCode: number
  /** A sentence for reports, without a full stop. */
  readonly reason: string
}

interface Judged {
  readonly suite: Suite
  readonly judge: Judge
  timing: Timing | undefined
  isOver: boolean
}

/** Throws a CommandError if it could not even begin. */
export async function observe(options: ObservationOptions): Promise<Observed> {
  return new Observation(options).run()
}

class Observation {
  readonly #options: ObservationOptions
  readonly #suites: readonly Judged[]
  readonly #end = new AbortController()
  readonly #streams: Streams
  readonly #interrupt: Interrupt
  #startedAt: Date | undefined
  #beganAt = 0
  #endedAt: number | undefined
  #from: string | undefined
  /** What the log held at the start, if that is what is judged. */
  #newest: string | undefined
  #command: RunningCommand | undefined
  #result: CommandResult | undefined
  #stopped: Stop | undefined
  #timer: NodeJS.Timeout | undefined
  #wakesAt: number | undefined

  constructor(options: ObservationOptions) {
    const { plan, api, talk, waitServer } = options
    const loss = lossNotice(api.baseUrl, talk)
    this.#options = options
    this.#interrupt = onInterrupt(() => this.#command?.signal('SIGKILL'))
    this.#suites = plan.suites.map((suite) => ({
      ...{ suite, judge: new Judge(suite.scenario), timing: undefined, isOver: false },
    }))
    const lists = plan.suites.map(({ channels }) => channels)
    this.#streams = new Streams(lists, {
      ...{ api, since: plan.since, waitServer, signal: this.#end.signal, onFound: loss.found },
      onLost: (reason) => {
        loss.lost(reason)
        this.#look()
      },
      onOpen: (from) => this.#begin(from),
      onEvent: (item, channels) => this.#event(item, channels),
      onInvalid: (raw) => talk.warn(`passed over, because it is no event: ${raw.trim().slice(0, 200)}`),
      onGap: ({ requested, reason }) => this.#stop(exitCode.gap, `gap: events after ${requested} are lost (${reason})`),
    })
  }

  async run(): Promise<Observed> {
    const { plan, api, waitServer } = this.#options
    this.#interrupt.signal.addEventListener('abort', () =>
      this.#stop(this.#interrupt.exitCode() ?? exitCode.failed, 'it was interrupted'),
    )
    // --within counts from the beginning, and a busy server may take its time to let it begin.
    this.#wakeAt(performance.now() + Math.max(this.#patienceMs(), LOST_MS) + (waitServer ?? 0))
    try {
      // What is newest is asked before the stream begins: the log up to there is judged.
      const isPast = plan.since !== undefined && plan.command === undefined
      this.#newest = isPast ? await newestId(api, { signal: this.#end.signal }) : undefined
      await this.#streams.listen()
    } catch (error) {
      await this.#finish()
      if (this.#stopped === undefined) {
        if (this.#startedAt === undefined || !(error instanceof CommandError)) throw error
        this.#stopped = { exitCode: error.exitCode, reason: error.message }
      }
    }
    await this.#finish()
    return this.#observed()
  }

  #begin(from: string): void {
    const { plan, outputToStderr } = this.#options
    this.#from = from
    this.#startedAt = new Date()
    this.#beganAt = performance.now()
    if (plan.command) {
      const command = startCommand(plan.command, { outputToStderr })
      this.#command = command
      void command.ended.then((ended) => this.#commandEnded({ ...ended, isOverdue: this.#endedAt !== undefined }))
    }
    for (const each of this.#suites) {
      each.timing = new Timing({
        ...each.suite,
        hasCommand: plan.command !== undefined,
        hasSince: plan.since !== undefined,
        watches: each.judge.watches,
        startedAt: this.#beganAt,
      })
    }
    const newest = this.#newest
    if (newest !== undefined) void this.#whenPassed(() => Promise.resolve(newest))
    this.#look()
  }

  #event({ envelope, fault }: EventItem, channels: readonly string[]): void {
    const listening = this.#suites.filter(({ suite, isOver }) => !isOver && suite.channels === channels)
    if (fault !== undefined && listening.some(({ judge }) => judge.isJudged(envelope.event))) {
      this.#stop(exitCode.invalidEvent, `${envelope.event} ${envelope.id} breaks its schema: ${fault}`)
      return
    }
    const at = performance.now() - this.#beganAt
    for (const { judge } of listening) judge.add(envelope, at)
    this.#look()
  }

  #commandEnded(result: CommandResult): void {
    this.#result = result
    if (this.#endedAt !== undefined) return
    for (const { timing } of this.#suites) timing?.commandEnded(result.exitCode === 0, performance.now())
    void this.#whenPassed(() => newestId(this.#options.api, { signal: this.#end.signal, patience: endlessPatience }))
    this.#look()
  }

  /** Tells the suites when their stream has passed an id. The server may restart in the meantime. */
  async #whenPassed(id: () => Promise<string>): Promise<void> {
    const { signal } = this.#end
    try {
      await this.#streams.whenPassed(await id(), (channels) => {
        for (const { suite, timing } of this.#suites) if (suite.channels === channels) timing?.passed()
        this.#look()
      })
    } catch (error) {
      if (signal.aborted) return
      const code = error instanceof CommandError ? error.exitCode : exitCode.failed
      this.#stop(code, error instanceof Error ? error.message : String(error))
    }
  }

  /** Asks whether the verdicts are final, and when to ask again. */
  #look(): void {
    if (this.#end.signal.aborted || this.#startedAt === undefined) return
    const { baseUrl } = this.#options.api
    const now = performance.now()
    let wakesAt = Number.POSITIVE_INFINITY
    for (const each of this.#suites) {
      if (each.isOver || !each.timing) continue
      const course = each.timing.at(now, each.judge.standing())
      if (course.isOver) each.isOver = true
      else wakesAt = Math.min(wakesAt, course.lookAgainAt ?? Number.POSITIVE_INFINITY)
    }
    const isOver = this.#suites.every((each) => each.isOver)
    const patientUntil = this.#beganAt + this.#patienceMs()
    if (this.#streams.areLost) {
      if (isOver ? this.#isOpen() : now >= patientUntil) {
        this.#stop(exitCode.lost, `${baseUrl} is still unreachable, and the time is up`)
        return
      }
      wakesAt = Math.min(wakesAt, patientUntil)
    }
    if (isOver) this.#end.abort()
    else this.#wakeAt(wakesAt)
  }

  #patienceMs(): number {
    return Math.max(...this.#suites.map(({ suite }) => suite.withinMs ?? LOST_MS))
  }

  /** Whether events that were not seen could change a verdict. */
  #isOpen(): boolean {
    return this.#suites.some(
      ({ suite, judge }) => this.#streams.isLost(suite.channels) && (judge.standing().isMissing || judge.watches),
    )
  }

  #wakeAt(time: number): void {
    if (time === this.#wakesAt) return
    clearTimeout(this.#timer)
    this.#wakesAt = time
    if (time === Number.POSITIVE_INFINITY) return
    // A timer may come a little early.
    this.#timer = setTimeout(
      () => {
        this.#wakesAt = undefined
        if (this.#startedAt === undefined) this.#tooLate()
        else this.#look()
      },
      Math.min(Math.ceil(time - performance.now()) + 1, MAX_TIMER_MS),
    )
  }

  #tooLate(): void {
    this.#stop(exitCode.lost, `${this.#options.api.baseUrl} has not opened a stream in time`)
  }

  #stop(code: number, reason: string): void {
    this.#stopped ??= { exitCode: code, reason }
    this.#end.abort()
  }

  async #finish(): Promise<void> {
    this.#endedAt ??= performance.now()
    this.#end.abort()
    clearTimeout(this.#timer)
    if (this.#command?.isRunning()) {
      await endCommand(this.#command)
      const ended = await this.#command.ended
      this.#result = { ...ended, isOverdue: true }
    }
  }

  #observed(): Observed {
    const from = this.#from ?? this.#options.plan.since ?? ''
    const last = this.#suites[0]?.judge.log.at(-1)?.id
    return {
      judges: this.#suites.map(({ judge }) => judge),
      startedAt: this.#startedAt ?? new Date(),
      durationMs: this.#startedAt === undefined ? 0 : (this.#endedAt ?? this.#beganAt) - this.#beganAt,
      cursor: { from, to: this.#streams.cursor ?? last ?? from },
      command: this.#result,
      stopped: this.#stopped,
    }
  }
}

const MAX_TIMER_MS = 86_400_000
