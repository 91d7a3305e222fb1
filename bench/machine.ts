/** The machine and the commit that a result belongs to. */
import { execFileSync } from 'node:child_process'
import { arch, cpus, release, totalmem, type } from 'node:os'

export interface Machine {
  readonly date: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGib: number
  readonly system: string
  readonly node: string
  /** The commit of the sources; undefined outside a repository. */
  readonly commit: string | undefined
}

export function machine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryGib: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()} ${arch()}`,
    node: process.version,
    commit: commit(),
  }
}

export function describe({ date, cpu, cores, memoryGib, system, node, commit }: Machine): string {
  return `${date} UTC, ${cores} × ${cpu}, ${memoryGib} GiB, ${system}, Node ${node}${commit ? `, commit ${commit}` : ''}`
}

function commit(): string | undefined {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { stdio: ['ignore', 'pipe', 'ignore'] })
      .toString()
      .trim()
  } catch {
    return undefined
  }
}
