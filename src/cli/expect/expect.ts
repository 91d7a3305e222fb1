/** `boardcast expect`: asserts which events come. */

import { appendCoverage } from '../../expect/coverage/coverage-file.ts'
import { Judge } from '../../expect/judge/judge.ts'
import { type SuiteResult, suiteResult } from '../../expect/report/result.ts'
import { isFailure, type Run } from '../../expect/report/run.ts'
import { type Api, createApi } from '../api/api.ts'
import { readVariable } from '../process/environment.ts'
import { CommandError, exitCode, firstOf } from '../process/exit.ts'
import { type Talk, talk as talkOf } from '../process/output.ts'
import { typesOf } from '../stream/covered-types.ts'
import { observe } from './observation.ts'
import type { ExpectOptions } from './options.ts'
import { type Plan, planOf } from './plan.ts'
import { reporterOf } from './reporter.ts'

/** Resolves to the exit code. Throws a CommandError if it could not even begin. */
export async function expect(options: ExpectOptions): Promise<number> {
  const talk = talkOf(options)
  const reporter = reporterOf(options, talk)
  let plan: Plan | undefined
  try {
    plan = planOf(options)
    for (const warning of plan.warnings) talk.info(warning)
    const api = createApi(options)
    const observed = await observe({
      ...{ plan, talk, api, waitServer: options.waitServer },
      outputToStderr: options.format === 'json',
    })
    const { command, stopped, judges, ...facts } = observed
    const suites = suitesOf(plan, judges)
    const code = firstOf([
      ...(stopped ? [stopped.exitCode] : []),
      ...(command && isFailure(command) ? [exitCode.programFailed] : []),
      ...(suites.every(({ isMet }) => isMet) ? [] : [exitCode.failed]),
    ])
    const run: Run = {
      ...facts,
      ...(command && { command }),
      ...(stopped && { stopped: stopped.reason }),
      exitCode: code,
      tailOptions: [],
    }
    const isReported = reporter.report(suites, run)
    const isCovered = await writeCoverage(api, suites, talk)
    return isReported && isCovered ? code : firstOf([code, exitCode.failed])
  } catch (error) {
    if (error instanceof CommandError) reporter.failed(error, plan ? suitesOf(plan, []) : [])
    throw error
  }
}

/** Without a judge no event came. */
function suitesOf({ suites }: Plan, judges: readonly Judge[]): SuiteResult[] {
  return suites.map(({ scenario, tailOptions }, at) => ({
    ...suiteResult(scenario, judges[at] ?? new Judge(scenario)),
    tailOptions,
  }))
}

/** With `BOARDCAST_COVERAGE`, the types of the events that met an expectation. False if the file could not be written. */
async function writeCoverage(api: Api, suites: readonly SuiteResult[], talk: Talk): Promise<boolean> {
  const file = readVariable('BOARDCAST_COVERAGE')
  if (file === undefined) return true
  try {
    for (const { scenario, results } of suites) {
      const events = results.flatMap(({ isMet, matched }) => (isMet ? matched : []))
      const covered = [...(await typesOf(api, events, new Set()))]
      if (covered.length > 0) appendCoverage(file, { by: scenario.file ?? scenario.name, covered })
    }
    return true
  } catch (error) {
    talk.warn(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`)
    return false
  }
}
