/** `boardcast expect`: asserts which events come. */

import { suiteResult } from '../../expect/report/result.ts'
import { isFailure, type Run } from '../../expect/report/run.ts'
import { createApi } from '../api/api.ts'
import { CommandError, exitCode, firstOf } from '../process/exit.ts'
import { talk as talkOf } from '../process/output.ts'
import { observe } from './observation.ts'
import type { ExpectOptions } from './options.ts'
import { planOf } from './plan.ts'
import { reporterOf } from './reporter.ts'

/** Resolves to the exit code. Throws a CommandError if it could not even begin. */
export async function expect(options: ExpectOptions): Promise<number> {
  const talk = talkOf(options)
  const reporter = reporterOf(options, talk)
  try {
    const plan = planOf(options)
    for (const warning of plan.warnings) talk.info(warning)
    const observed = await observe({
      ...{ plan, talk, api: createApi(options), waitServer: options.waitServer },
      outputToStderr: options.format === 'json',
    })
    const { command, stopped, judges, ...facts } = observed
    const suites = plan.suites.flatMap(({ scenario, tailOptions }, at) => {
      const judge = judges[at]
      return judge ? [{ ...suiteResult(scenario, judge), tailOptions }] : []
    })
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
    const isWritten = reporter.report(suites, run)
    return isWritten ? code : firstOf([code, exitCode.failed])
  } catch (error) {
    if (error instanceof CommandError) reporter.failed(error)
    throw error
  }
}
