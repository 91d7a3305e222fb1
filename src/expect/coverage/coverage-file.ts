/**
 * The file that test runs add their coverage to: JSON lines `{"by","covered"}`. A type may be in several lines, so that
 * runs need not know of each other.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import * as z from 'zod'

const line = z.object({ by: z.string(), covered: z.array(z.string()) })
export type CoverageLine = z.infer<typeof line>

/** One write, so that the lines of runs at the same time do not mix. */
export function appendCoverage(file: string, added: CoverageLine): void {
  appendFileSync(file, `${JSON.stringify(added)}\n`)
}

/** The types in all lines. Throws an error of the system, or one that names the line that is not of this format. */
export function readCoverage(file: string): Set<string> {
  const covered = new Set<string>()
  for (const [at, text] of readFileSync(file, 'utf8').split('\n').entries()) {
    if (text.trim() === '') continue
    for (const type of lineOf(text, `${file}:${at + 1}`).covered) covered.add(type)
  }
  return covered
}

function lineOf(text: string, place: string): CoverageLine {
  try {
    return line.parse(JSON.parse(text))
  } catch (error) {
    throw new Error(`${place} is not {"by","covered"}`, { cause: error })
  }
}
