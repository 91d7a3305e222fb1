/** Judges what came on a stream, and waits for what is missing. */
import { Judge } from '../expect/judge/judge.ts'
import { Timing } from '../expect/judge/timing.ts'
import { type SuiteResult, suiteResult } from '../expect/report/result.ts'
import type { Run } from '../expect/report/run.ts'
import type { Scenario } from '../expect/scenario/scenario.ts'
import type { Received } from './received.ts'

export interface JudgeOptions {
  readonly within: number
  /** How many of the stream's events came before what is judged; default: those before the mark. */
  readonly index?: number
  /** Waits all the time, whatever comes. */
  readonly waits?: boolean
}

export interface Judged {
  readonly suite: SuiteResult
  readonly run: Run
  /** Why events that did not come could change the verdict. */
  readonly doubt: string | undefined
}

export async function judge(stream: Received, scenario: Scenario, options: JudgeOptions): Promise<Judged> {
  const { within, waits = false } = options
  const startedAt = new Date()
  const start = performance.now()
  const judge = new Judge(scenario)
  const { watches } = judge
  const timing = new Timing({
    ...{ hasCommand: false, hasSince: false, withinMs: within, settleMs: 0, watches, startedAt: start },
  })
  const view = stream.view
  let index = options.index ?? view.index
  for (;;) {
    const now = performance.now()
    for (; index < stream.events.length; index += 1) {
      const envelope = stream.events[index]
      if (envelope && !view.isBefore(envelope)) judge.add(envelope, now - start)
    }
    const deadline = start + within
    const course = timing.at(now, judge.standing())
    const isOver = waits ? now >= deadline : course.isOver
    if (isOver || stream.isOver) break
    // A timer may come a little early.
    await stream.changed(Math.max(1, Math.ceil(deadline - now)))
  }
  const { isMissing } = judge.standing()
  const isOpen = isMissing || watches || waits
  const doubt = isOpen ? doubtOf(stream) : undefined
  const run: Run = {
    startedAt,
    durationMs: performance.now() - start,
    cursor: { from: view.from, to: stream.cursor },
    ...(doubt !== undefined && { stopped: doubt }),
    exitCode: 0,
    tailOptions: tailOptionsOf(stream),
  }
  return { suite: suiteResult(scenario, judge), run, doubt }
}

function doubtOf(stream: Received): string | undefined {
  const { gap } = stream.view
  if (gap) return `gap: events after ${gap.requested} are lost (${gap.reason})`
  return stream.lossReason
}

function tailOptionsOf({ api, channels }: Received): string[] {
  const isUsual = channels.length === 1 && channels[0] === 'global'
  return ['--url', api.baseUrl, ...(isUsual ? [] : ['--channel', channels.join(',')])]
}
