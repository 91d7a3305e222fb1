/** Programs that a test runs and a machine may lack. */
import { spawnSync } from 'node:child_process'

/** Whether a program is installed. If not, prints its name: the tests that need it are skipped. */
export function hasProgram(name: string): boolean {
  const found = spawnSync('sh', ['-c', 'command -v "$0"', name]).status === 0
  if (!found) process.stderr.write(`skipped: ${name} is not installed\n`)
  return found
}

/** The first of these Pythons that has a module. If none has, prints the module's name: the tests that need it are skipped. */
export function pythonWith(module: string): string | undefined {
  // Another Python may come before that of the system, which has the packages of the system.
  const found = ['python3', '/usr/bin/python3'].find(
    (python) => spawnSync(python, ['-c', `import ${module}`]).status === 0,
  )
  if (!found) process.stderr.write(`skipped: Python has no module ${module}\n`)
  return found
}

/** Whether PHP has an extension. If not, prints its name: the tests that need it are skipped. */
export function hasPhpExtension(name: string): boolean {
  const found = spawnSync('php', ['-r', `exit(extension_loaded('${name}') ? 0 : 1);`]).status === 0
  if (!found) process.stderr.write(`skipped: PHP has no extension ${name}\n`)
  return found
}
