/** What a test has opened ends with it: with the test that runs, otherwise with the tests of the file. */
import { afterAll, expect, onTestFinished } from 'vitest'

type End = () => Promise<void>

interface Kept {
  readonly file: string | undefined
  readonly end: End
}

const kept: Kept[] = []

/** For the file that imports this module. */
export function endWithFile(): void {
  afterAll(endKept)
}

/** Calls `end` once: when the current test has finished, or, in `beforeAll`, when all tests of the file have. */
export async function endsWithTest(end: End): Promise<void> {
  try {
    onTestFinished(end)
    return
  } catch {
    // No test is running.
  }
  const file = expect.getState().testPath
  // Modules may be shared by several files; then only the first of them has called `endWithFile`.
  if (kept.some((one) => one.file !== file)) await endKept()
  kept.push({ file, end })
}

async function endKept(): Promise<void> {
  for (let last = kept.pop(); last; last = kept.pop()) await last.end()
}
