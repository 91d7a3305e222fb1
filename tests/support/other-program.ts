/** Another program with the database open: a separate process that runs some SQL and stays until it is ended. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const WORK = `
const database = new (require('better-sqlite3'))(process.argv[1])
for (const query of process.argv.slice(2)) {
  const statement = query.startsWith('SELECT') ? database.prepare(query) : null
  if (statement) statement.all(); else database.exec(query)
}
console.log('ready')
process.stdin.resume().on('end', () => process.exit(0))`

export class OtherProgram implements AsyncDisposable {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  /** Resolves when the SQL has run. */
  static async start(path: string, ...queries: string[]): Promise<OtherProgram> {
    const child = spawn(process.execPath, ['-e', WORK, path, ...queries], {
      cwd: ROOT,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve())
      child.once('exit', (code) => reject(new Error(`the other program ended with ${code}`)))
    })
    return new OtherProgram(child)
  }

  /** Closes the database: an open transaction is rolled back. */
  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.stdin?.end()
    await ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }
}
