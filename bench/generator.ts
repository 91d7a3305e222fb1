/** Runs the load generator (bench/generator/) and reads what it reports. */
import { spawn } from 'node:child_process'
import type { Running } from './side.ts'

/** Options of the program; bench/generator/options.c explains them. */
export interface Load {
  readonly listenPort?: number
  readonly listeners?: number
  readonly publishers?: number
  readonly rate?: number
  readonly requests?: number
  readonly seconds?: number
  readonly warmS?: number
  readonly settleMs?: number
  readonly afterMs?: number
  readonly graceS?: number
  readonly expect?: number
  readonly stalled?: number
  readonly batch?: number
  readonly pad?: number
  readonly napUs?: number
  readonly atOnce?: number
  readonly sameBytes?: boolean
  readonly headers?: string
  /** A file of "stream publish" lines that replaces the addresses of the side. */
  readonly routes?: string
  readonly stream?: string
  readonly publish?: string
  readonly before?: string
  readonly item?: string
  readonly after?: string
}

/** What the program reports. Times and counts cover the measured window, except where noted. */
export interface Report {
  readonly listeners: number
  /** Listeners that got everything that was acknowledged, exactly once and in order. */
  readonly exact: number
  readonly readingExact: number
  readonly lost: number
  readonly doubled: number
  readonly closed: number
  readonly distinct: number
  readonly acked: number
  readonly refused: number
  readonly cut: number
  readonly spanS: number
  readonly ackedPerS: number
  readonly deliveries: number
  readonly deliveriesPerS: number
  readonly bytes: number
  readonly serverCpuS: number
  readonly ownCpuS: number
  readonly otherCpuS: number
  readonly stolenS: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly answerP50Ms: number
  readonly answerP99Ms: number
  readonly lateMaxMs: number
  readonly openingS: number
  readonly replayS: number
  readonly caughtUpS: number
  readonly rssBeforeKb: number
  readonly rssIdleKb: number
  readonly rssLargestKb: number
  readonly rssLoadedKb: number
  readonly rssDrainedKb: number
  readonly rssAfterKb: number
}

/** A run that takes longer is killed and fails. */
const PATIENCE_MS = 180_000

/** Runs a load against a side. Resolves to the report even when messages were lost; see `requireExact`. */
export function generate(program: string, side: Running, load: Load): Promise<Report> {
  const { sameBytes, ...rest } = { ...side.addresses, ...load }
  const options = [
    `port=${side.port}`,
    `kind=${side.kind}`,
    `pids=${side.pids.join(',')}`,
    ...(sameBytes ? ['same-bytes=1'] : []),
    ...Object.entries(rest).map(([name, value]) => `${hyphened(name)}=${value}`),
  ]
  return new Promise((resolve, reject) => {
    const child = spawn(program, options, { stdio: ['ignore', 'pipe', 'pipe'] })
    const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    let output = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(patience)
      if (code === 0) resolve(JSON.parse(output) as Report)
      else reject(new Error(`the generator ended (${code ?? signal}): ${errors.trim()}`))
    })
  })
}

/** Throws unless everything arrived exactly once and in order, and nothing was refused. */
export function requireExact(report: Report): Report {
  const { exact, listeners, lost, doubled, closed, refused, cut } = report
  if (exact === listeners && closed === 0 && refused === 0 && cut === 0) return report
  throw new Error(
    `not exact: ${exact} of ${listeners} listeners received everything once and in order; ` +
      `${lost} lost, ${doubled} doubled, ${closed} streams cut, ${refused} requests refused, ${cut} cut`,
  )
}

/** `warmS` becomes `warm-s`. */
function hyphened(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`)
}
