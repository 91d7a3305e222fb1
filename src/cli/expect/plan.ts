/** What a run of `expect` is about: suites, channels, times and a command, from options and scenario files. */
import { readFileSync } from 'node:fs'
import { parseCursor } from '../../../shared/src/cursor.ts'
import { readScenario } from '../../expect/scenario/read-scenario.ts'
import type { Scenario } from '../../expect/scenario/scenario.ts'
import { ScenarioFault } from '../../expect/scenario/yaml-source.ts'
import { listOf } from '../../text/glob.ts'
import { environmentWith } from '../process/environment.ts'
import { usageError } from '../process/exit.ts'
import { impossibleConditions } from '../stream/impossible-conditions.ts'
import { channelsOf, selectionOf } from '../tail/selection.ts'
import type { Command } from './command.ts'
import type { ExpectOptions } from './options.ts'
import { stepsFrom } from './steps.ts'

const WITHIN_MS = 10_000
const SETTLE_MS = 1_000

export interface Suite {
  readonly scenario: Scenario
  /** What it listens to. Suites with equal channels have the same array. */
  readonly channels: readonly string[]
  /** The options with which `tail` shows the same, as a shell takes them. */
  readonly tailOptions: readonly string[]
  /** Undefined: what the log holds decides. */
  readonly withinMs: number | undefined
  readonly settleMs: number
}

export interface Plan {
  readonly suites: readonly Suite[]
  readonly since: string | undefined
  readonly command: Command | undefined
  readonly warnings: readonly string[]
}

/** Throws a usage error, before anything has been done. */
export function planOf(options: ExpectOptions): Plan {
  const steps = stepsFrom(options.given)
  const files = (options.file ?? []).map(readFile)
  const ofOptions: Scenario = { name: 'boardcast expect', order: 'subset', only: [], expectations: steps }
  const scenarios = [...(steps.length > 0 ? [ofOptions] : []), ...files].map((each) =>
    withOptions(each, optionsFor(each, options)),
  )
  if (scenarios.length === 0) {
    throw usageError('there is nothing to expect: use --type GLOB, --absent GLOB or --file S.yaml.')
  }
  const since = oneOf(
    'since',
    scenarios.flatMap((each) => each.since ?? []),
  )
  const command = commandOf(options.cmd, scenarios)
  const lists = new Map<string, readonly string[]>()
  const suites = scenarios.map((scenario) => ({
    scenario,
    ...listeningOf(scenario, optionsFor(scenario, options), lists),
    withinMs: scenario.withinMs ?? (since !== undefined && command === undefined ? undefined : WITHIN_MS),
    settleMs: scenario.settleMs ?? SETTLE_MS,
  }))
  return { suites, since, command, warnings: [...new Set(suites.flatMap(warningsOf))] }
}

function warningsOf({ scenario: { expectations }, channels }: Pick<Suite, 'scenario' | 'channels'>): string[] {
  const unknown = selectionOf({ channel: channels, type: expectations.map(({ type }) => type) }).warnings
  const impossible = expectations.flatMap(({ type, conditions }) => [
    ...conditions.flatMap(({ text, warning }) => (warning === undefined ? [] : [`${text}: ${warning}`])),
    ...impossibleConditions(type, conditions, channels),
  ])
  return [...unknown, ...impossible]
}

function readFile(file: string): Scenario {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw usageError(`--file ${file} cannot be read (${code}).`)
  }
  try {
    return readScenario(text, file, environmentWith({}))
  } catch (error) {
    if (error instanceof ScenarioFault) throw usageError(error.message)
    throw error
  }
}

/** Without what comes from a profile, where the file of the scenario says it. */
function optionsFor(scenario: Scenario, options: ExpectOptions): ExpectOptions {
  if (scenario.file === undefined) return options
  const { board, channels, since, withinMs, settleMs } = scenario
  const hasChannels = board !== undefined || channels !== undefined
  const isSaid: Readonly<Record<string, boolean>> = {
    ...{ board: hasChannels, channel: hasChannels, since: since !== undefined },
    // An order has a default in the file, too.
    ...{ within: withinMs !== undefined, settle: settleMs !== undefined, order: true, only: true },
  }
  const kept = Object.entries(options).filter(([name]) => !(options.ofProfile.has(name) && isSaid[name]))
  return Object.fromEntries(kept) as unknown as ExpectOptions
}

/** Options win over what a scenario says. */
function withOptions(scenario: Scenario, { since, within, settle, order, only }: ExpectOptions): Scenario {
  if (since !== undefined && parseCursor(since) === null) {
    throw usageError(
      `--since ${since}: write the id of an event, such as 5d3c9b1e-4711; boardcast cursor prints the newest.`,
    )
  }
  const merged: Scenario = {
    ...scenario,
    ...(since !== undefined && { since }),
    ...(within !== undefined && { withinMs: within }),
    ...(settle !== undefined && { settleMs: settle }),
    ...(order !== undefined && { order }),
    only: only === undefined ? scenario.only : listOf(only),
  }
  if (merged.order !== 'exact' && merged.only.length > 0) throw usageError('--only belongs to --order exact.')
  if (merged.order === 'any' && merged.expectations.some(({ saves }) => saves.length > 0)) {
    throw usageError(`${merged.name}: save needs an order; use --order subset or exact.`)
  }
  return merged
}

/** Options win over what the scenario says. */
function listeningOf(scenario: Scenario, options: ExpectOptions, lists: Map<string, readonly string[]>) {
  const { board, channel, url } = options
  const isChosen = board !== undefined || channel !== undefined
  const shownBoard = isChosen ? board : scenario.board
  const channels = isChosen ? channelsOf(board, channel) : channelsOf(scenario.board, scenario.channels)
  const key = channels.join(',')
  const known = lists.get(key) ?? channels
  lists.set(key, known)
  // An address may hold a password.
  const server = url === undefined || url.includes('@') ? [] : ['--url', url]
  const shown = shownBoard === undefined ? ['--channel', key] : ['--board', shownBoard]
  return { channels: known, tailOptions: [...server, ...(key === 'global' ? [] : shown)].map(shellWord) }
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

function commandOf(cmd: readonly string[], scenarios: readonly Scenario[]): Command | undefined {
  if (cmd[0] === '') throw usageError('CMD is empty: put a program after --.')
  if (cmd.length > 0) return { args: cmd, text: cmd.join(' ') }
  const text = oneOf(
    'run',
    scenarios.flatMap((each) => each.run ?? []),
  )
  return text === undefined ? undefined : { shell: text, text }
}

function oneOf(key: string, values: readonly string[]): string | undefined {
  const [first, second] = [...new Set(values)]
  if (second !== undefined) {
    throw usageError(`the files disagree about ${key} ("${first}" and "${second}"): they are judged in one run.`)
  }
  return first
}
