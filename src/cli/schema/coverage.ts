/** `boardcast schema --coverage FILE`: which event types of the catalogue runs have covered, and which not. */
import { readCoverage } from '../../expect/coverage/coverage-file.ts'
import { type Coverage, coverageOf } from '../../expect/coverage/event-types.ts'
import { jsonLine } from '../../text/json-line.ts'
import { CommandError, exitCode, usageError } from '../process/exit.ts'
import type { Data } from '../process/output.ts'

/** Prints both lists. Throws a CommandError while types are missing. */
export async function writeCoverage(file: string, data: Data): Promise<void> {
  const coverage = coverageOf(coveredIn(file))
  await data.write(data.isLaidOut ? laidOut(coverage, data) : `${jsonLine(coverage)}\n`)
  const { covered, missing } = coverage
  if (missing.length === 0) return
  const all = covered.length + missing.length
  throw new CommandError(exitCode.failed, `${missing.length} of ${all} event types are not covered.`)
}

function coveredIn(file: string): Set<string> {
  try {
    return readCoverage(file)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw usageError(
      `--coverage ${file}: ${reason}. Name a file that BOARDCAST_COVERAGE named when tests or boardcast expect ran.`,
    )
  }
}

function laidOut({ covered, missing }: Coverage, { paint }: Data): string {
  const list = (heading: string, types: readonly string[]) =>
    [paint('bold', `${heading} ${types.length}`), ...types.map((type) => `  ${type}`)].join('\n')
  return `${list('covered', covered)}\n${list('missing', missing)}\n`
}
