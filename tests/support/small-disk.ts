/** A file system of a few megabytes that tests can fill. Only root may mount one. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export class SmallDisk implements Disposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** undefined when mounting is not allowed. */
  static mount(megabytes: number): SmallDisk | undefined {
    const path = mkdtempSync(join(tmpdir(), 'boardcast-disk-'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' })
      return new SmallDisk(path)
    } catch {
      rmSync(path, { recursive: true })
      return undefined
    }
  }

  /** Uses up all free space. */
  fill(): void {
    const file = openSync(join(this.path, 'filler'), 'a')
    try {
      for (const size of [65_536, 4_096]) {
        try {
          for (;;) writeSync(file, Buffer.alloc(size, 1))
        } catch {
          // No space for that much; less may fit.
        }
      }
    } finally {
      closeSync(file)
    }
  }

  makeRoom(): void {
    rmSync(join(this.path, 'filler'), { force: true })
  }

  [Symbol.dispose](): void {
    // Lazily: a process that still has a file open is about to end.
    execFileSync('umount', ['-l', this.path])
    rmSync(this.path, { recursive: true, force: true })
  }
}
