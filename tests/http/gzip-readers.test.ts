/**
 * Compressed streams, read by third-party decoders. Each event is published when the one before it has been read,
 * so that no later bytes push it out.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, it, onTestFinished } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { hasProgram } from '../support/programs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const run = promisify(execFile)
const reader = (name: string) => fileURLToPath(new URL(`../support/readers/${name}`, import.meta.url))

/** Lengths of payloads. Short ones are stored, long ones compressed; some short ones follow each other. */
const SIZES = [0, 1, 40, 0, 400, 1, 1, 5_000, 40, 100_000, 0]
/** Compilers and virtual machines are slow on a busy machine. */
const TIMEOUT_MS = 120_000

let server: TestServer
let folder: string
beforeAll(async () => {
  // No heartbeat pushes anything out.
  server = await startTestServer({ heartbeatMs: 3_600_000 })
  folder = mkdtempSync(join(tmpdir(), 'boardcast-readers-'))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** A program that prints what it gets; ended with the test. */
function start(command: string, args: readonly string[]) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let printed = ''
  let complaints = ''
  let check = () => {}
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text
    check()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  child.on('exit', () => check())
  return {
    until: (text: string, withinMs = TIMEOUT_MS / 2) =>
      new Promise<void>((resolve, reject) => {
        const fail = (why: string) =>
          reject(new Error(`${command} ${why}; printed ${printed.slice(-300)}${complaints}`))
        const timer = setTimeout(() => fail(`did not print ${text.slice(0, 60)}`), withinMs)
        check = () => {
          if (printed.includes(text)) resolve()
          else if (child.exitCode !== null) fail('ended')
          else return
          clearTimeout(timer)
        }
        check()
      }),
  }
}

/** Each event is seen before the next one is published. `hello` comes first, in its own flush. */
async function expectEachAtOnce(topic: string, program: ReturnType<typeof start>): Promise<void> {
  await program.until('event: hello')
  for (const [n, size] of SIZES.entries()) {
    const { eventId } = await server.post(`/topics/${topic}/events`, {
      event: 'said',
      data: `${n}:${'x'.repeat(size)}`,
    })
    await program.until(`\nid: ${eventId}\n\n`, 10_000)
  }
}

const streamOf = (topic: string, url = server.url) => `${url}/sse?channels=topic:${topic}`

it.skipIf(!hasProgram('go'))("[Z2] Go's http.Get reads every flush at once", { timeout: TIMEOUT_MS }, async () => {
  const program = join(folder, 'reader')
  const env = { ...process.env, GOCACHE: join(folder, 'go-cache'), GO111MODULE: 'off' }
  await run('go', ['build', '-o', program, reader('reader.go')], { env })
  await expectEachAtOnce('go', start(program, [streamOf('go')]))
})

it.skipIf(!hasProgram('caddy'))(
  '[Z2] curl reads every flush at once behind Caddy, which asks for gzip by itself',
  { timeout: TIMEOUT_MS },
  async () => {
    const port = await freePort()
    const file = join(folder, 'Caddyfile')
    writeFileSync(
      file,
      `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  reverse_proxy 127.0.0.1:${server.port}
}
`,
    )
    const caddy = spawn('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], { stdio: 'ignore' })
    onTestFinished(() => void caddy.kill('SIGKILL'))
    const url = streamOf('caddy', `http://127.0.0.1:${port}`)
    const curl = ['-N', '--silent', '--show-error', '--retry', '100', '--retry-connrefused', '--retry-delay', '1', url]
    await expectEachAtOnce('caddy', start('curl', curl))
  },
)

it.skipIf(!hasProgram('python3'))("[Z2] Python's zlib reads every flush at once", { timeout: TIMEOUT_MS }, () =>
  expectEachAtOnce('python', start('python3', [reader('reader.py'), streamOf('python')])),
)

it.skipIf(!hasProgram('java'))("[Z2] Java's GZIPInputStream reads every flush at once", { timeout: TIMEOUT_MS }, () =>
  expectEachAtOnce('java', start('java', [reader('Reader.java'), streamOf('java')])),
)

it.skipIf(!hasProgram('curl'))('[Z2] curl --compressed reads every flush at once', { timeout: TIMEOUT_MS }, () =>
  expectEachAtOnce('curl', start('curl', ['-N', '--silent', '--show-error', '--compressed', streamOf('curl')])),
)
