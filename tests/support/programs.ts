/** Programs that a test runs and a machine may lack. */
import { spawnSync } from 'node:child_process'

/** Whether a program is installed. If not, prints its name: the tests that need it are skipped. */
export function hasProgram(name: string): boolean {
  const found = spawnSync('sh', ['-c', 'command -v "$0"', name]).status === 0
  if (!found) process.stderr.write(`skipped: ${name} is not installed\n`)
  return found
}
