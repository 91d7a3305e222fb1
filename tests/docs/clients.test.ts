/**
 * The programs of docs/clients.md, run unchanged.
 *
 * DOC7  Each prints an event before the next is published, and misses none when the connection is cut, a proxy then answers
 *       502, and the server restarts.
 * DOC8  They reconnect when a connection falls silent. Here after 1 s in place of 45.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, type ExpectStatic, expect, it, vi } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { Road } from '../support/delivery/road.ts'
import { hasPhpExtension, hasProgram, pythonWith } from '../support/programs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DOCUMENTED = '127.0.0.1:3000'
const text = readFileSync(join(ROOT, 'docs/clients.md'), 'utf8')
const execute = promisify(execFile)

/** Compilers and virtual machines take their time on a busy machine. */
const TIMEOUT_MS = 120_000

// Most of the time the programs wait before they reconnect.
vi.setConfig({ maxConcurrency: 10 })

/** Payloads that break readers: empty, quotes and line breaks, Unicode, more than the buffers of most libraries. */
const PAYLOADS = ['', '"\\ \n\r\n\u0085\u2028', 'żółć 你好 👩‍🚀', `${'é'.repeat(100_000)}`, '']

/** The first block of code under a heading. */
function programUnder(heading: string): string {
  const section = text.split(/^#+ /m).find((each) => each.startsWith(`${heading}\n`)) ?? ''
  const code = /```\w+\n([\s\S]*?)```/.exec(section)?.[1]
  if (!code) throw new Error(`docs/clients.md has no program under "${heading}"`)
  return code
}

interface Following extends AsyncDisposable {
  readonly printed: string
  readonly complaints: string
}
type Start = (code: string) => Promise<Following>

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-clients-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Saves the code as a file in a new folder, which is also where it runs. */
function save(name: string, code: string): string {
  const file = join(mkdtempSync(join(folder, 'program-')), name)
  writeFileSync(file, code)
  return file
}

function run(command: string, args: readonly string[], cwd: string): Following {
  // A process group, so that the programs that a shell starts are killed with it.
  const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = { printed: '', complaints: '' }
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    output.printed += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    output.complaints += piece
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  return {
    get printed() {
      return output.printed
    },
    get complaints() {
      return output.complaints
    },
    async [Symbol.asyncDispose]() {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
      await ended
    },
  }
}

const withCommand =
  (name: string, command: string, args: readonly string[] = []): Start =>
  async (code) => {
    const file = save(name, code)
    return run(command, [...args, file], dirname(file))
  }

const withGo: Start = async (code) => {
  const file = save('main.go', code)
  const program = join(dirname(file), 'program')
  const env = { ...process.env, GOCACHE: join(folder, 'go-cache'), GO111MODULE: 'off' }
  await execute('go', ['build', '-o', program, file], { env })
  return run(program, [], dirname(file))
}

/** A module that runs in this package, after one that prepares the globals. */
const withNode =
  (prelude = ''): Start =>
  async (code) =>
    run(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(prelude)}`, '--input-type=module', '-e', code],
      ROOT,
    )

/** The globals that libraries for browsers expect. */
const BROWSER = `globalThis.window = globalThis
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {}, createElement() {} }`

const withChromium: Start = async (code) => {
  const browser = await launchChromium()
  const page = await browser.newPage()
  const output = { printed: '', complaints: '' }
  page.on('console', (message) => {
    output[message.type() === 'log' ? 'printed' : 'complaints'] += `${message.text()}\n`
  })
  const origin = /http:\/\/[\d.:]+/.exec(code)?.[0] ?? ''
  await page.route(`${origin}/page`, (route) => route.fulfill({ contentType: 'text/html', body: code }))
  await page.goto(`${origin}/page`)
  return {
    get printed() {
      return output.printed
    },
    get complaints() {
      return output.complaints
    },
    [Symbol.asyncDispose]: () => browser.close(),
  }
}

const withPython = (module: string): Start | undefined => {
  const python = pythonWith(module)
  return python === undefined ? undefined : withCommand('follow.py', python)
}
const ifInstalled = (isInstalled: boolean, start: Start): Start | undefined => (isInstalled ? start : undefined)

/** By heading; undefined if not installed here. */
const PROGRAMS: Readonly<Record<string, Start | undefined>> = {
  curl: ifInstalled(hasProgram('curl'), withCommand('follow.sh', 'sh')),
  requests: withPython('requests'),
  httpx: withPython('httpx'),
  urllib: withPython('urllib.request'),
  Ruby: ifInstalled(hasProgram('ruby'), withCommand('follow.rb', 'ruby')),
  'PHP with curl': ifInstalled(hasPhpExtension('curl'), withCommand('follow.php', 'php')),
  'PHP with fopen': ifInstalled(hasProgram('php'), withCommand('follow.php', 'php')),
  Go: ifInstalled(hasProgram('go'), withGo),
  Java: ifInstalled(hasProgram('java'), withCommand('Follow.java', 'java', ['-Dfile.encoding=UTF-8'])),
  'Node with fetch': withNode(),
  'Node with eventsource': withNode(),
  EventSource: withChromium,
  'fetch-event-source': withNode(BROWSER),
  VueUse: withNode(`import { EventSource } from ${JSON.stringify(import.meta.resolve('eventsource'))}
globalThis.EventSource = EventSource
${BROWSER}`),
  WebSocket: withNode(),
  'Socket.IO': withNode(),
}

/** Without a limit for silence, or with a fixed one. */
const UNAWARE = new Set(['fetch-event-source', 'Socket.IO'])

/** The published data in the output, one event per line. */
const deployedIn = (printed: string): unknown[] =>
  printed
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
    .filter((event) => event.channel !== '*' && event.data !== undefined)
    .map(({ data }) => data)

/** A program with its own server and its own proxy between them; it has printed `hello`. */
class Trial implements AsyncDisposable {
  readonly server: TestServer
  readonly road: Road
  readonly #program: Following
  readonly #expect: ExpectStatic
  readonly #published: unknown[] = []

  private constructor(server: TestServer, road: Road, program: Following, expectHere: ExpectStatic) {
    this.server = server
    this.road = road
    this.#program = program
    this.#expect = expectHere
  }

  /** Concurrent tests each need their own `expect`. */
  static async begin(expectHere: ExpectStatic, start: Start, code: string, heartbeatMs: number): Promise<Trial> {
    const server = await startTestServer({ hasSocketIo: true, heartbeatMs })
    const road = await Road.to(server.port)
    const program = await start(code.replaceAll(DOCUMENTED, road.url.slice('http://'.length)))
    const trial = new Trial(server, road, program, expectHere)
    await trial.poll(() => `${program.printed}${program.complaints}`).toContain('"serverTime"')
    return trial
  }

  poll(what: () => unknown) {
    return this.#expect.poll(what, { timeout: TIMEOUT_MS / 3, interval: 20 })
  }

  async publish(content = ''): Promise<void> {
    this.#published.push({ version: this.#published.length + 1, content })
    await this.server.post('/topics/deploys/events', { event: 'deployed', data: this.#published.at(-1) })
  }

  /** Resolves when everything that was published is printed, once and in order. */
  async arrived(): Promise<void> {
    await this.poll(() => deployedIn(this.#program.printed)).toEqual(this.#published)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]()
    await this.road[Symbol.asyncDispose]()
    await this.server[Symbol.asyncDispose]()
  }
}

describe.concurrent('programs', { timeout: TIMEOUT_MS }, () => {
  for (const [heading, start] of Object.entries(PROGRAMS)) {
    it.skipIf(!start)(`[DOC7] ${heading}`, async ({ expect: expectHere }) => {
      if (!start) return
      // No heartbeat flushes buffers.
      await using trial = await Trial.begin(expectHere, start, programUnder(heading), 3_600_000)
      const { server, road } = trial
      for (const payload of PAYLOADS) {
        await trial.publish(payload)
        await trial.arrived()
      }
      road.answerNext('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      road.cut()
      // Together, so that they arrive in one chunk.
      for (let n = 0; n < 5; n++) await trial.publish('missed')
      await trial.poll(() => road.hasAnswer).toBe(false)
      await trial.publish('after a 502')
      await trial.arrived()
      await server.restart()
      await trial.publish('after a restart')
      await trial.publish('after a restart')
      await trial.arrived()
    })

    it.skipIf(!start || UNAWARE.has(heading))(`[DOC8] ${heading}`, async ({ expect: expectHere }) => {
      if (!start) return
      const code = programUnder(heading)
        .replaceAll('45_000', '1_000')
        .replace(/\b45\b/g, '1')
      await using trial = await Trial.begin(expectHere, start, code, 300)
      await trial.publish()
      await trial.arrived()
      trial.road.freeze()
      await trial.publish('on a dead connection')
      await trial.arrived()
    })
  }
})

it('[DOC7] every program of the document is among these', () => {
  const found = [...text.matchAll(/^#+ (.+)\n/gm)]
    .map(([, heading]) => heading as string)
    .filter((heading) => {
      const section = text.split(/^#+ /m).find((each) => each.startsWith(`${heading}\n`)) ?? ''
      return /^```/m.test(section) && !section.startsWith('Clients in')
    })
  expect(found).toEqual(Object.keys(PROGRAMS))
})
