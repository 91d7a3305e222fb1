/** Which event types of the catalogue the tests of a file have covered. */
import { expect } from 'vitest'
import { readVariable } from '../cli/process/environment.ts'
import { typesOf } from '../cli/stream/covered-types.ts'
import type { Envelope } from '../cli/stream/envelope.ts'
import { appendCoverage } from '../expect/coverage/coverage-file.ts'
import { type Coverage, coverageOf } from '../expect/coverage/event-types.ts'
import type { Received } from './received.ts'

const byFile = new Map<string, Set<string>>()

/**
 * The event types of the catalogue of which an event has met an expectation in this file, or was checked by
 * `toMatchContract`, and the others.
 */
export function contractCoverage(): Coverage {
  return coverageOf(coveredBy(currentFile()))
}

/** Notes that events were judged. With `BOARDCAST_COVERAGE`, types that are new for the file are appended there. */
export async function cover({ api }: Received, events: readonly Envelope[]): Promise<void> {
  const by = currentFile()
  const covered = coveredBy(by)
  const added = [...(await typesOf(api, events, covered))].filter((type) => !covered.has(type))
  if (added.length === 0) return
  for (const type of added) covered.add(type)
  const file = readVariable('BOARDCAST_COVERAGE')
  if (file !== undefined) appendCoverage(file, { by, covered: added })
}

function currentFile(): string {
  return expect.getState().testPath ?? ''
}

function coveredBy(file: string): Set<string> {
  const known = byFile.get(file) ?? new Set()
  byFile.set(file, known)
  return known
}
