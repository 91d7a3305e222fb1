/**
 * A server that cannot start says why in one sentence, with the cause and the fix. Rules OPS13, OPS17 and OPS18: real
 * child processes, whose driver or version of Node is made to be wrong by a module that is loaded before the program.
 */
import { spawn } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import SqliteDatabase from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runProgram } from '../support/program.ts'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-start-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const inFolder = (...path: string[]) => join(folder, ...path)
let files = 0
const newFile = () => inFolder(`${++files}.db`)

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

async function serve(env: Record<string, string>, command = 'serve'): Promise<Ended> {
  await using program = runProgram([command], { PORT: '0', BOARDCAST_DB: newFile(), LOG_LEVEL: 'error', ...env })
  return { code: await program.ended, stdout: program.stdout, stderr: program.stderr }
}

/** One or two sentences on one line, no stack, and the program has exited. */
function expectSentence(
  { code, stdout, stderr }: Ended,
  exitCode: number,
  ...parts: ReadonlyArray<string | RegExp>
): void {
  expect([code, stdout], stderr).toEqual([exitCode, ''])
  expect(stderr).toMatch(/^boardcast: [^\n]+\.\n$/)
  expect(stderr).not.toMatch(/please report|\bat .*\(|Error:|node:internal/)
  for (const part of parts) expect(stderr).toMatch(part)
}

/** A module that Node loads before the program. */
function preload(code: string): Record<string, string> {
  const file = inFolder(`preload-${++files}.cjs`)
  writeFileSync(file, code)
  return { NODE_OPTIONS: `--require ${file}` }
}

describe('the database', () => {
  it('[OPS17] in a folder that does not exist', async () => {
    expectSentence(
      await serve({ BOARDCAST_DB: inFolder('none', 'x.db') }),
      2,
      /the folder .*none does not exist\. Make it/,
    )
  })

  it('[OPS17] that is a folder, or not a regular file, and nothing is left beside it', async () => {
    mkdirSync(inFolder('a-folder'))
    expectSentence(
      await serve({ BOARDCAST_DB: inFolder('a-folder') }),
      2,
      /is a folder\. Name a file, such as .*a-folder\/b/,
    )
    expectSentence(await serve({ BOARDCAST_DB: '/dev/null' }), 2, /BOARDCAST_DB=\/dev\/null is not a regular file/)
    expect(readdirSync(folder).filter((name) => name.startsWith('a-folder'))).toEqual(['a-folder'])
    expect(existsSync('/dev/null.lock')).toBe(false)
  })

  it('[OPS17] that cannot be accessed', async () => {
    const file = newFile()
    writeFileSync(file, '')
    symlinkSync('loop.db', inFolder('loop.db'))
    for (const name of [`${file}/`, inFolder('loop.db'), inFolder('x'.repeat(300))]) {
      expectSentence(await serve({ BOARDCAST_DB: name }), 2, `BOARDCAST_DB=${name} cannot be opened`, 'Name a file')
    }
  })

  it('[OPS17] that is not a Boardcast database', async () => {
    const file = newFile()
    writeFileSync(file, 'This is a letter to my mother.\n'.repeat(500))
    expectSentence(await serve({ BOARDCAST_DB: file }), 2, /is not an SQLite database\. Choose another file/)
  })

  it('[OPS17] of a newer version', async () => {
    const file = newFile()
    const newer = new SqliteDatabase(file)
    newer.exec(
      "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL); INSERT INTO meta VALUES ('schema', '999')",
    )
    newer.close()
    expectSentence(
      await serve({ BOARDCAST_DB: file }),
      2,
      file,
      /by a newer Boardcast \(schema 999; this version knows \d+\)\. Install that version, or choose another file\./,
    )
  })

  it('[OPS17] that another server has open', async () => {
    const file = newFile()
    await using first = runProgram(['serve'], { PORT: '0', BOARDCAST_DB: file, LOG_LEVEL: 'error' })
    await first.until(() => first.stdout.includes('\n'))
    expectSentence(await serve({ BOARDCAST_DB: file }), 2, file, /another Boardcast server.* Stop it/)
  })

  it('[OPS17] that another program writes to', async () => {
    const file = newFile()
    const first = runProgram(['serve'], { PORT: '0', BOARDCAST_DB: file, LOG_LEVEL: 'error' })
    await first.until(() => first.stdout.includes('\n'))
    await first[Symbol.asyncDispose]()
    const other = new SqliteDatabase(file)
    other.exec('BEGIN IMMEDIATE')
    try {
      expectSentence(await serve({ BOARDCAST_DB: file }), 2, file)
    } finally {
      other.close()
    }
  })

  // File permissions do not restrict root, so this runs as `nobody` when the tests run as root.
  it.each([
    ['a file', 0o444, 0o777, /cannot be written|cannot be opened/],
    ['a folder', 0o666, 0o555, /cannot be written|cannot be opened/],
  ])('[OPS17] in %s that is not writable', async (_, ofFile, ofFolder, said) => {
    const within = mkdtempSync(join(tmpdir(), 'boardcast-rights-'))
    const file = join(within, 'x.db')
    const database = new SqliteDatabase(file)
    database.exec('PRAGMA journal_mode = WAL')
    database.close()
    chmodSync(file, ofFile)
    chmodSync(within, ofFolder)
    try {
      const ended = await asNobody({ PORT: '0', BOARDCAST_DB: file, LOG_LEVEL: 'error' })
      expectSentence(ended, 2, said, /Let the user of this process (read and )?write it and the folder/)
    } finally {
      chmodSync(within, 0o777)
      rmSync(within, { recursive: true })
    }
  })
})

describe('the address', () => {
  it('[OPS17] a port that is taken', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    expectSentence(
      await serve({ PORT: String(port) }),
      1,
      `EADDRINUSE`,
      String(port),
      /another port with --port or PORT/,
    )
    await new Promise((resolve) => taken.close(resolve))
  })

  it.each([
    ['that this machine does not have', '192.0.2.1', /HOST=192\.0\.2\.1 is not an address of this machine/],
    ['that cannot be resolved', 'board.invalid', /HOST=board\.invalid .*can be resolved/],
  ])('[OPS17] %s', async (_, HOST, said) => {
    expectSentence(await serve({ HOST, BOARDCAST_AUTH: 'off' }), 2, said)
  })

  it('[OPS17] a port that is not permitted', async () => {
    // The kernel of a container may permit every port to everyone.
    const refusing = preload(`
      const { Server } = require('node:net')
      Server.prototype.listen = function () {
        const error = Object.assign(new Error('listen EACCES: permission denied 127.0.0.1:80'), { code: 'EACCES' })
        process.nextTick(() => this.emit('error', error))
        return this
      }`)
    expectSentence(await serve({ PORT: '80', ...refusing }), 2, /PORT=80 is not permitted.* 1024 or more/)
  })
})

describe('the driver', () => {
  const UNBUILT = `
    const Module = require('node:module')
    const resolve = Module._resolveFilename
    Module._resolveFilename = function (request, ...rest) {
      if (!String(request).endsWith('better_sqlite3.node')) return resolve.call(this, request, ...rest)
      throw Object.assign(new Error("Cannot find module '" + request + "'"), { code: 'MODULE_NOT_FOUND' })
    }`
  const unloadable = (message: string) => `
    require('node:module')._extensions['.node'] = () => {
      throw Object.assign(new Error(${JSON.stringify(message)}), { code: 'ERR_DLOPEN_FAILED' })
    }`
  const OTHER_NODE = unloadable(
    "The module '/x/better_sqlite3.node'\nwas compiled against a different Node.js version using\nNODE_MODULE_VERSION 108. This version of Node.js requires\nNODE_MODULE_VERSION 115. Please try re-compiling or re-installing\nthe module (for instance, using `npm rebuild` or `npm install`).",
  )

  it.each(['serve', 'demo'])('[OPS17] that is not built (%s)', async (command) => {
    const ended = await serve(preload(UNBUILT), command)
    expectSentence(ended, 2, /The SQLite driver \(better-sqlite3\) is not built\. Run "npm rebuild better-sqlite3"/)
    expect(ended.stderr).not.toContain('BOARDCAST_DB')
  })

  it('[OPS17] that was built for another Node', async () => {
    const ended = await serve(preload(OTHER_NODE))
    expectSentence(
      ended,
      2,
      /built for another version of Node \(module version 108; Node .* has 115\)\. Run "npm rebuild/,
    )
    expect(ended.stderr).not.toContain('BOARDCAST_DB')
  })

  it('[OPS17] that this system cannot load', async () => {
    const ended = await serve(preload(unloadable("/lib/libc.so.6: version `GLIBC_2.99' not found\n(required by it)")))
    expectSentence(ended, 2, /cannot be loaded \(.*GLIBC_2\.99' not found\)\. Run "npm rebuild/)
  })
})

describe('Node', () => {
  it.each(['18.20.8', '20.18.3', '16.0.0'])(
    '[OPS18] %s is too old, which the first file alone reports',
    async (version) => {
      // Alone in a folder, so that it cannot import anything that an older Node cannot parse.
      const alone = mkdtempSync(inFolder('alone-'))
      copyFileSync(CLI, join(alone, 'cli.mjs'))
      const older = preload(
        `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`,
      )
      for (const command of ['serve', 'run', '--version']) {
        const ended = await runFile(join(alone, 'cli.mjs'), [command], older)
        expectSentence(ended, 1, `Node ${version} is too old. Install Node 20.19 or newer`)
      }
    },
  )

  it('[OPS18] names what is missing', async () => {
    const alone = mkdtempSync(inFolder('alone-'))
    copyFileSync(CLI, join(alone, 'cli.mjs'))
    expectSentence(await runFile(join(alone, 'cli.mjs'), ['serve']), 1, /is missing\. Run "npm ci"/)
  })
})

describe('the page', () => {
  it('[OPS17] that is not built is reported, and the API works without it', async () => {
    const copy = mkdtempSync(join(dirname(CLI), '..', 'dist-without-page-'))
    try {
      copyFileSync(CLI, join(copy, 'cli.js'))
      mkdirSync(join(copy, 'chunks'))
      for (const name of readdirSync(join(dirname(CLI), 'chunks')).filter((each) => each.endsWith('.js')))
        copyFileSync(join(dirname(CLI), 'chunks', name), join(copy, 'chunks', name))
      const child = spawn(process.execPath, [join(copy, 'cli.js'), 'serve'], {
        env: { PATH: process.env.PATH, PORT: '0', BOARDCAST_DB: newFile() },
      })
      let said = ''
      let logged = ''
      child.stdout.on('data', (chunk) => {
        said += chunk
      })
      child.stderr.on('data', (chunk) => {
        logged += chunk
      })
      await expect.poll(() => said, { timeout: 20_000 }).toMatch(/listening on http:\S+\n/)
      const [url = ''] = /http:\S+/.exec(said) ?? []
      const page = await fetch(url, { headers: { Accept: 'text/html' } })
      expect([page.status, await page.text()]).toEqual([404, expect.stringContaining('The web app is not built')])
      expect((await fetch(`${url}/api/v1/boards`)).status).toBe(200)
      expect(logged).toMatch(/"level":40.*the web app is not built.*npm run build/)
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      expect(await ended).toBe(0)
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  })
})

function asNobody(env: Record<string, string>): Promise<Ended> {
  return runFile(CLI, ['serve'], env, userInfo().uid === 0 ? 65_534 : undefined)
}

function runFile(
  file: string,
  args: readonly string[],
  env: Record<string, string> = {},
  uid?: number,
): Promise<Ended> {
  const child = spawn(process.execPath, [file, ...args], {
    env: { PATH: process.env.PATH, ...env },
    ...(uid !== undefined && { uid, gid: uid }),
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    said.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.stderr += chunk
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...said }))
  })
}
