/** `boardcast doctor`: measures the road to a server, and names what is in the way. */
import { type ApiOptions, createApi } from '../api/api.ts'
import { describeUnreachable, Unreachable } from '../api/api-errors.ts'
import { isBusy, isNobody, reasonOf } from '../api/retry.ts'
import { exitCode, firstOf } from '../process/exit.ts'
import { onInterrupt } from '../process/interrupt.ts'
import { dataOutput, type OutputOptions, talk as talkOf } from '../process/output.ts'
import { examine } from './examination.ts'
import { type Finding, fail, PROBES, type ProbeName, skip } from './findings/finding.ts'
import { Bench } from './probes/bench.ts'
import { Progress } from './progress.ts'
import { type Format, textOf } from './report.ts'
import { Road } from './road/road.ts'

export interface DoctorOptions extends ApiOptions, OutputOptions {
  readonly full?: boolean
  readonly format?: Format
}

/** All of it, in both ways of running. What is not known a moment before is skipped. */
const LONGEST_MS = { usual: 29_000, full: 89_000 }

/** Resolves to the exit code. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const api = createApi(options)
  const data = dataOutput(options)
  const talk = talkOf(options)
  const interrupt = onInterrupt()
  const end = new AbortController()
  const stop = AbortSignal.any([interrupt.signal, data.gone])
  const format = options.format ?? (data.isLaidOut ? 'pretty' : 'json')
  const progress = new Progress(process.stderr, options.quiet === true)
  const timer = setTimeout(() => end.abort(), options.full ? LONGEST_MS.full : LONGEST_MS.usual)
  const road = new Road(api.baseUrl, {
    credentials: () => api.credentials(),
    signal: stop,
    ...(options.waitServer !== undefined && { waitServerMs: options.waitServer }),
  })
  const codes = new Set<number>()
  const missing = new Map<string, string>()
  const isKnown = new Set<ProbeName>()
  const found = (probe: ProbeName, finding: Finding) => {
    if (stop.aborted || isKnown.has(probe)) return
    isKnown.add(probe)
    if (finding.verdict === 'fail') codes.add(codeOf(probe, finding))
    progress.end(probe)
    void data.write(textOf(probe, finding, format, data))
    progress.show()
  }
  if (format === 'pretty') await data.write(`${data.paint('bold', api.baseUrl)}\n`)
  try {
    await Promise.race([
      examine(
        new Bench(road, options.full === true),
        { begun: (probe) => progress.begin(probe), found, missing: (right, sentence) => missing.set(right, sentence) },
        end.signal,
      ),
      aborted(stop),
    ])
  } catch (error) {
    if (!stop.aborted) {
      if (!isNobody(error)) throw error
      nobody(found, isKnown, reasonOf(error))
      talk.warn(new Unreachable(describeUnreachable(api.baseUrl, reasonOf(error))).message)
      codes.add(exitCode.lost)
    }
  }
  clearTimeout(timer)
  progress.clear()
  road.close()
  if (data.gone.aborted) return exitCode.done
  if (missing.size > 0) {
    codes.add(exitCode.authentication)
    talk.warn(describeMissing(missing, road.hasToken))
  }
  await data.flushed()
  return firstOf([...codes, interrupt.exitCode() ?? exitCode.done])
}

/** A proxy that reaches no server is as if nobody were there. */
function codeOf(probe: ProbeName, { measured }: Finding): number {
  return probe === 'reach' && isBusy(Number(measured.status)) ? exitCode.lost : exitCode.failed
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

/** Nobody listens there: that is what `reach` found, or the road was lost on the way. */
function nobody(
  found: (probe: ProbeName, finding: Finding) => void,
  isKnown: ReadonlySet<ProbeName>,
  reason: string,
): void {
  const cause = { culprit: `nobody listens at this address (${reason})`, fix: 'boardcast serve' }
  const [first, ...rest] = PROBES.filter((probe) => !isKnown.has(probe))
  if (first === undefined) return
  found(first, fail({ error: reason }, cause))
  for (const probe of rest) found(probe, skip({ because: first }, `skipped, because of ${first}`))
}

function describeMissing(missing: ReadonlyMap<string, string>, hasToken: boolean): string {
  const rights = [...missing.keys()].join(' and to ')
  const [sentence = ''] = missing.values()
  return (
    `${sentence.replace(/\.$/, '')}. To measure, ${hasToken ? 'the token' : 'a token'} must be allowed to ${rights}: ` +
    `boardcast token --subscribe 'topic:doctor:*' --publish 'topic:doctor:*'; give it with --token or BOARDCAST_TOKEN.`
  )
}
