/** Where the reports go: stderr, stdout, a file, and what GitHub Actions reads. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { annotations, stepSummary } from '../../expect/report/github.ts'
import { jsonReport } from '../../expect/report/json-report.ts'
import { junitReport } from '../../expect/report/junit-report.ts'
import type { SuiteResult } from '../../expect/report/result.ts'
import type { Run } from '../../expect/report/run.ts'
import { isFine, textReport } from '../../expect/report/text-report.ts'
import { jsonLine } from '../../text/json-line.ts'
import { readVariable } from '../process/environment.ts'
import type { CommandError } from '../process/exit.ts'
import type { Talk } from '../process/output.ts'
import type { ExpectOptions } from './options.ts'

export interface Reporter {
  /** False if a file could not be written, which has been said. */
  report(suites: readonly SuiteResult[], run: Run): boolean
  /** For a run that could not begin; its sentence is written elsewhere. No suites: what to expect is not known. */
  failed(error: CommandError, suites: readonly SuiteResult[]): void
}

export function reporterOf({ junit, format, annotate, quiet }: ExpectOptions, talk: Talk): Reporter {
  const isOnGithub = annotate === 'github' || readVariable('GITHUB_ACTIONS') === 'true'
  const summaryFile = readVariable('GITHUB_STEP_SUMMARY')

  function write(file: string, work: () => void): boolean {
    try {
      work()
      return true
    } catch (error) {
      talk.warn(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`)
      return false
    }
  }

  function writeFiles(suites: readonly SuiteResult[], run: Run): boolean {
    const isReported = junit === undefined || write(junit, () => writeFileSync(junit, junitReport(suites, run)))
    const isSummed =
      summaryFile === undefined ||
      suites.length === 0 ||
      write(summaryFile, () => appendFileSync(summaryFile, stepSummary(suites, run)))
    if (isOnGithub) process.stderr.write(annotations(suites, run))
    return isReported && isSummed
  }

  function writeJson(suites: readonly SuiteResult[], run: Run): void {
    if (format === 'json') process.stdout.write(`${jsonLine(jsonReport(suites, run))}\n`)
  }

  return {
    report(suites, run) {
      for (const suite of suites) {
        if (!quiet || !isFine(suite, run)) process.stderr.write(textReport(suite, run, suites.length === 1))
      }
      writeJson(suites, run)
      return writeFiles(suites, run)
    },
    failed({ message, exitCode }, suites) {
      const cursor = { from: '', to: '' }
      const run: Run = { startedAt: new Date(), durationMs: 0, cursor, stopped: message, exitCode, tailOptions: [] }
      writeJson(suites, run)
      writeFiles(suites, run)
    },
  }
}
