/** Builds the two C programs of the bench in a temporary folder: the load generator and the floor. */
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const FLAGS = ['-O2', '-std=gnu11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Werror']

/** Paths of the programs. */
export interface Programs {
  readonly generator: string
  readonly floor: string
}

/** Throws when there is no C compiler, with a message that names the package to install. */
export function compile(folder: string): Programs {
  const sources = readdirSync(join(HERE, 'generator')).filter((name) => name.endsWith('.c'))
  return {
    generator: build(
      sources.map((name) => join(HERE, 'generator', name)),
      join(folder, 'generator'),
    ),
    floor: build([join(HERE, 'floor.c')], join(folder, 'floor')),
  }
}

export function hasCompiler(): boolean {
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function build(sources: readonly string[], target: string): string {
  if (!hasCompiler()) {
    throw new Error(
      'The bench needs a C compiler named cc, for its load generator. On Debian: apt-get install gcc libc6-dev.',
    )
  }
  execFileSync('cc', [...FLAGS, '-o', target, ...sources], { stdio: ['ignore', 'ignore', 'inherit'] })
  return target
}
