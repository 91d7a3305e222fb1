/** The package that `npm pack` makes, and projects that have it. */
import { execFileSync, spawn } from 'node:child_process'
import { closeSync, cpSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

interface Manifest extends Record<string, unknown> {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
}

export const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest

export interface Packed {
  /** A path. */
  readonly tarball: string
  readonly files: readonly { readonly path: string; readonly size: number }[]
  readonly size: number
  readonly unpackedSize: number
}

/** Packs a folder as it is: nothing is built, since other tests run what is in dist. */
export function pack(into: string, from = ROOT): Packed {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', into]
  const [packed] = JSON.parse(execFileSync('npm', args, { cwd: from, env: cleanEnv(), encoding: 'utf8' }))
  return { ...packed, tarball: join(into, packed.filename) }
}

/**
 * The same package without its dependencies, for a project in a folder below one whose node_modules has them. `npm ci` of
 * such a project takes a second and needs no network and no compiler.
 */
export function packWithoutDependencies(into: string): Packed {
  const folder = join(into, 'without-dependencies')
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true })
  const { dependencies: _, optionalDependencies: __, peerDependencies: ___, ...rest } = MANIFEST
  writeFileSync(join(folder, 'package.json'), JSON.stringify(rest))
  return pack(into, folder)
}

/** The environment of this process without the settings of npm and of Boardcast: as in a new terminal. */
export function cleanEnv(): Record<string, string | undefined> {
  const ours = /^(npm_|INIT_CWD$|BOARDCAST_|PORT$|HOST$|NODE_OPTIONS$|NODE_ENV$|VITEST|GITHUB_|CI$|FORCE_COLOR$)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}

export interface Ending {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A folder in which a user works. What is started there, and left running, ends with it. */
export class Workplace implements Disposable {
  readonly folder: string
  readonly #env: Readonly<Record<string, string | undefined>>
  readonly #groups: number[] = []

  constructor(folder: string, env: Readonly<Record<string, string | undefined>> = {}) {
    mkdirSync(folder, { recursive: true })
    this.folder = folder
    this.#env = { ...cleanEnv(), ...env }
  }

  /** Runs a script of bash, as the runners of CI do. Resolves when it has ended; what it left in the background goes on. */
  async bash(script: string, { env = {}, args = [] as readonly string[], options = '-e' } = {}): Promise<Ending> {
    this.write('.script', script)
    return this.run('bash', [...(options === '' ? [] : [options]), '.script', ...args], env)
  }

  /** Runs a program. Its output goes to files: a pipe would stay open for as long as anything in the background. */
  async run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ending> {
    const paths = ['.stdout', '.stderr'].map((name) => join(this.folder, `${name}-${this.#groups.length}`))
    const [stdout = 0, stderr = 0] = paths.map((path) => openSync(path, 'w'))
    const child = spawn(command, args, {
      cwd: this.folder,
      env: { ...this.#env, ...env },
      detached: true,
      stdio: ['ignore', stdout, stderr],
    })
    closeSync(stdout)
    closeSync(stderr)
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', resolve)
      if (child.pid !== undefined) this.#groups.push(child.pid)
    })
    const [out = '', errors = ''] = paths.map((path) => readFileSync(path, 'utf8'))
    return { code, stdout: out, stderr: errors }
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text)
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8')
  }

  [Symbol.dispose](): void {
    for (const group of this.#groups) {
      try {
        process.kill(-group, 'SIGKILL')
      } catch {
        // All of it has ended.
      }
    }
  }
}
