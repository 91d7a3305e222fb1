/** Temporary folders for databases, programs and settings. They are removed when the bench ends, for whatever reason. */
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const TMPFS = 0x01021994
/** Where databases are. Never in memory, where an fsync costs nothing. */
export const DISK = statfsSync(tmpdir()).type === TMPFS ? fileURLToPath(new URL('.', import.meta.url)) : tmpdir()

const folders = new Set<string>()
let removesAtExit = false

export function tempFolder(name: string, parent = tmpdir()): string {
  if (!removesAtExit) {
    removesAtExit = true
    process.once('exit', removeAll)
    // On Ctrl+C the servers get the same signal from the terminal.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  }
  const folder = mkdtempSync(join(parent, `boardcast-${name}-`))
  folders.add(folder)
  return folder
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}

function removeAll(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
}
