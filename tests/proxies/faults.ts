/** Proxies that are configured badly on purpose, and what the doctor's fix makes of their configuration. */
import type { ProbeName } from '../../src/cli/doctor/findings/finding.ts'
import type { RunningProxy } from '../support/proxy-process.ts'

export interface Fault {
  readonly name: string
  /** Lines of a good configuration that are left out: those that begin like this. */
  readonly without?: readonly string[]
  /** Lines that are added. PORT is the server's. */
  readonly bad: readonly string[]
  /** The one that fails. */
  readonly probe: ProbeName
  /** Or warns. */
  readonly verdict?: 'warn'
  readonly culprit: RegExp
  readonly fix: string
  /** In front of a server with rights on. */
  readonly withRights?: boolean
  /** In front of a server whose heartbeats are slow. */
  readonly isSlow?: boolean
}

export interface BadProxy {
  readonly name: string
  readonly program: string
  readonly faults: readonly Fault[]
  /** The lines of a configuration in front of a server on this port of loopback. */
  good(port: number): readonly string[]
  /** A fix as lines of the configuration; `remove "X"` removes the lines that begin with X. */
  directives(fix: string): readonly string[]
  /** One program with all of these, each on a port of its own. */
  start(configurations: readonly { readonly port: number; readonly lines: readonly string[] }[]): Promise<RunningProxy>
}

export function badLines({ good }: BadProxy, fault: Fault, port: number): string[] {
  const kept = good(port).filter((line) => !fault.without?.some((start) => line.startsWith(start)))
  return [...kept, ...fault.bad.map((line) => line.replace('PORT', String(port)))]
}

/** The configuration with the fix that the doctor printed: in place of what it has for the same directive, or added. */
export function withFix({ directives }: BadProxy, fix: string, lines: readonly string[]): string[] {
  return directives(fix).reduce<string[]>(applied, [...lines])
}

function applied(lines: string[], directive: string): string[] {
  const removed = /^remove "([^"]+)"$/.exec(directive)?.[1]
  if (removed !== undefined) return lines.filter((line) => !line.startsWith(removed))
  const start = startOf(directive)
  const existing = lines.find((line) => startOf(line) === start)
  // `DIRECTIVE …SUFFIX` appends to what is there.
  const suffix = /…([^;]*)/.exec(directive)?.[1]
  const line = suffix === undefined ? directive : existing?.replace(/;?$/, (end) => suffix + end)
  return [...lines.filter((each) => each !== existing), line ?? directive]
}

/** Several lines may have the same directive for different headers. */
function startOf(line: string): string {
  const words = line.split(/[\s;]+/)
  return words.slice(0, /_header$|^(option|timeout)$/.test(words[0] ?? '') ? 2 : 1).join(' ')
}
