/**
 * The programs of docs/clients.md, run as they stand.
 *
 * DOC7  Each prints an event before the next is published, and misses none: not when the connection is cut, not when a
 *       proxy answers 502 after it, and not when the server is restarted.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Road } from '../support/delivery/road.ts'
import { hasPhpExtension, hasProgram, pythonWith } from '../support/programs.ts'
import { startTestServer } from '../support/server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DOCUMENTED = '127.0.0.1:3000'
const text = readFileSync(join(ROOT, 'docs/clients.md'), 'utf8')
const execute = promisify(execFile)

/** Compilers and virtual machines take their time on a busy machine. */
const TIMEOUT_MS = 120_000

/** Payloads that trip readers: none, quotes and line breaks, any Unicode, more than the buffers of most libraries. */
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
type Start = (heading: string, code: string) => Promise<Following>

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-clients-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Saves the code as a file in a folder of its own, which is also where it runs. */
function save(heading: string, name: string, code: string): string {
  const file = join(folder, heading.replaceAll(' ', '-'), name)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, code)
  return file
}

function run(command: string, args: readonly string[], cwd: string): Following {
  // The programs of a shell go with it.
  const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { printed: '', complaints: '' }
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    said.printed += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    said.complaints += piece
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  return {
    get printed() {
      return said.printed
    },
    get complaints() {
      return said.complaints
    },
    async [Symbol.asyncDispose]() {
      if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
      await ended
    },
  }
}

const withCommand =
  (name: string, command: string, args: readonly string[] = []): Start =>
  async (heading, code) => {
    const file = save(heading, name, code)
    return run(command, [...args, file], dirname(file))
  }

const withGo: Start = async (heading, code) => {
  const file = save(heading, 'main.go', code)
  const program = join(dirname(file), 'program')
  const env = { ...process.env, GOCACHE: join(folder, 'go-cache'), GO111MODULE: 'off' }
  await execute('go', ['build', '-o', program, file], { env })
  return run(program, [], dirname(file))
}

/** A module that runs in this package, after one that prepares the globals. */
const withNode =
  (prelude = ''): Start =>
  async (_, code) =>
    run(
      process.execPath,
      ['--import', `data:text/javascript,${encodeURIComponent(prelude)}`, '--input-type=module', '-e', code],
      ROOT,
    )

/** What libraries for browsers expect to find. */
const BROWSER = `globalThis.window = globalThis
globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {}, createElement() {} }`

const withChromium: Start = async (_, code) => {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  })
  const page = await browser.newPage()
  const said = { printed: '', complaints: '' }
  page.on('console', (message) => {
    said[message.type() === 'log' ? 'printed' : 'complaints'] += `${message.text()}\n`
  })
  const origin = /http:\/\/[\d.:]+/.exec(code)?.[0] ?? ''
  await page.route(`${origin}/page`, (route) => route.fulfill({ contentType: 'text/html', body: code }))
  await page.goto(`${origin}/page`)
  return {
    get printed() {
      return said.printed
    },
    get complaints() {
      return said.complaints
    },
    [Symbol.asyncDispose]: () => browser.close(),
  }
}

const withPython = (module: string): Start | undefined => {
  const python = pythonWith(module)
  return python === undefined ? undefined : withCommand('follow.py', python)
}
const ifThere = (isThere: boolean, start: Start): Start | undefined => (isThere ? start : undefined)

/** By their headings. Those without a way to start them are not installed here. */
const PROGRAMS: Readonly<Record<string, Start | undefined>> = {
  curl: ifThere(hasProgram('curl'), withCommand('follow.sh', 'sh')),
  requests: withPython('requests'),
  httpx: withPython('httpx'),
  urllib: withPython('urllib.request'),
  Ruby: ifThere(hasProgram('ruby'), withCommand('follow.rb', 'ruby')),
  'PHP with curl': ifThere(hasPhpExtension('curl'), withCommand('follow.php', 'php')),
  'PHP with fopen': ifThere(hasProgram('php'), withCommand('follow.php', 'php')),
  Go: ifThere(hasProgram('go'), withGo),
  Java: ifThere(hasProgram('java'), withCommand('Follow.java', 'java', ['-Dfile.encoding=UTF-8'])),
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

/** What was published, as it was printed: one event a line. */
const deployedIn = (printed: string): unknown[] =>
  printed
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
    .filter((event) => event.channel !== '*' && event.data !== undefined)
    .map(({ data }) => data)

describe.concurrent('programs', { timeout: TIMEOUT_MS }, () => {
  for (const [heading, start] of Object.entries(PROGRAMS)) {
    it.skipIf(!start)(`[DOC7] ${heading}`, async ({ expect: expectHere }) => {
      if (!start) return
      // No heartbeat comes to push anything out.
      await using server = await startTestServer({ hasSocketIo: true, heartbeatMs: 3_600_000 })
      await using road = await Road.to(server.port)
      await using program = await start(
        heading,
        programUnder(heading).replaceAll(DOCUMENTED, road.url.slice('http://'.length)),
      )
      const poll = (what: () => unknown) => expectHere.poll(what, { timeout: TIMEOUT_MS / 3, interval: 20 })
      const published: unknown[] = []
      const publish = async (content = '') => {
        published.push({ version: published.length + 1, content })
        await server.post('/topics/deploys/events', { event: 'deployed', data: published.at(-1) })
      }
      const arrived = () => poll(() => deployedIn(program.printed)).toEqual(published)

      await poll(() => `${program.printed}${program.complaints}`).toContain('"serverTime"')
      for (const payload of PAYLOADS) {
        await publish(payload)
        await arrived()
      }
      road.answerNext('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
      road.cut()
      // Together, so that they come in one piece.
      for (let n = 0; n < 5; n++) await publish('missed')
      await poll(() => road.hasAnswer).toBe(false)
      await publish('after a 502')
      await arrived()
      await server.restart()
      await publish('after a restart')
      await publish('after a restart')
      await arrived()
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
