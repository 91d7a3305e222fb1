/** `boardcast doctor` as the built program. Rules CMD34 and CMD35 of docs/cli.md; what proxies do is in tests/proxies. */
import { execFile } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROBES } from '../../src/cli/doctor/findings/finding.ts'
import { freePort } from '../support/free-port.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startServerWithRights, tokenFor } from '../support/tokens.ts'
import { boardcast, cli, type Program } from './support/program.ts'
import { startStub } from './support/stub-server.ts'

interface Line {
  readonly probe: string
  readonly verdict: string
  readonly measured: Readonly<Record<string, unknown>>
  readonly culprit?: string
  readonly fix?: string
}

let server: TestServer
let slow: TestServer
let guarded: TestServer
beforeAll(async () => {
  server = await startTestServer({ heartbeatMs: 300 })
  slow = await startTestServer({ heartbeatMs: 2_500 })
  guarded = await startServerWithRights({ heartbeatMs: 300 })
})
afterAll(async () => {
  for (const each of [server, slow, guarded]) await each?.[Symbol.asyncDispose]()
})

const HOME = { HOME: '/nonexistent' }

async function ended(program: Program) {
  const code = await program.ended
  const stdout = program.stdout().toString()
  const lines = stdout.match(/^\{.*$/gm)?.map((line) => JSON.parse(line) as Line) ?? []
  return { code, stdout, stderr: program.stderr(), lines }
}

function run(args: readonly string[]) {
  return ended(boardcast(['doctor', ...args], HOME))
}

function withVerdict(lines: readonly Line[] | undefined, verdict: string): string[] {
  return (lines ?? []).filter((line) => line.verdict === verdict).map(({ probe }) => probe)
}

describe('the command', () => {
  test('[CMD34a] [CMD35a] straight to a server: a JSON line for each probe, as soon as it is known, and all ok', async () => {
    const program = boardcast(['doctor', server.url], HOME)
    const names = () =>
      program
        .stdout()
        .toString()
        .match(/(?<="probe":")[\w-]+/g) ?? []
    await program.until(() => names().length > 0)
    expect(names().length).toBeLessThan(PROBES.length)
    const { code, lines, stderr } = await ended(program)
    expect(names().slice(0, 2)).toEqual(['reach', 'head'])
    expect(lines.map(({ probe, verdict }) => `${probe} ${verdict}`).sort()).toEqual(
      PROBES.map((probe) => `${probe} ok`).sort(),
    )
    for (const line of lines) expect(Object.keys(line)).toEqual(['probe', 'verdict', 'measured'])
    expect([code, stderr]).toEqual([0, ''])
  })

  test('[CMD34a] [CMD34b] laid out on a terminal, with progress; it posts to a topic of its own only', async () => {
    const text = `stty cols 60; ${process.execPath} ${cli} doctor ${server.url}`
    const env = { PATH: process.env.PATH, TERM: 'xterm', ...HOME }
    const { stdout } = await promisify(execFile)('script', ['-qec', text, '/dev/null'], { env })
    expect(stdout).toContain('measuring heartbeat, idle')
    const clear = '\u001b[K'
    const colour = new RegExp(`${clear.at(0)}\\[\\d+m`, 'g')
    const shown = stdout.split('\r\n').map((line) => (line.split(clear).at(-1) ?? '').replace(colour, ''))
    expect(shown.filter((line) => line.startsWith('✓ '))).toHaveLength(PROBES.length)
    expect(shown).toContain('✓ compression  gzip only for clients that accept it')
    for (const line of shown) expect(line.length).toBeLessThanOrEqual(60)

    const { events } = await server.get<{ events: { topic?: string; event: string }[] }>('/events?channels=global')
    expect(new Set(events.map(({ event }) => event))).toEqual(new Set(['doctor.probe']))
    for (const { topic } of events) expect(topic).toMatch(/^doctor:[0-9a-f]{8}$/)
  })

  test('[CMD34c] nobody there, a proxy without a server, another program, a redirect', async () => {
    await using gateway = await startStub([{ status: 502, text: '<h1>Bad Gateway</h1>', headers: { Server: 'nginx' } }])
    await using other = await startStub([{ status: 200, body: { hello: 'world' } }])
    await using redirect = await startStub([{ status: 301, headers: { Location: 'https://board.test/health' } }])
    const urls = [`http://127.0.0.1:${await freePort()}`, gateway.url, other.url, redirect.url]
    const [nobody, behind, another, elsewhere] = await Promise.all(urls.map((url) => run([url])))
    expect([nobody?.code, behind?.code, another?.code, elsewhere?.code]).toEqual([5, 5, 1, 1])
    for (const result of [nobody, behind, another, elsewhere]) {
      expect(result?.lines[0]).toMatchObject({ probe: 'reach', verdict: 'fail' })
      expect(result?.lines.slice(1).map(({ measured }) => measured)).toEqual(
        PROBES.slice(1).map(() => ({ because: 'reach' })),
      )
    }
    expect(nobody?.stderr).toContain('no server answers at')
    expect(behind?.lines[0]?.culprit).toBe('nginx answers 502: it reaches no server')
    expect(gateway.asked.length).toBeGreaterThan(1)
    expect(another?.lines[0]?.culprit).toContain('is not a Boardcast server')
    expect(elsewhere?.lines[0]?.fix).toBe('use https://board.test as the address')
  })

  test('[CMD34b] what a token lacks is named, with 4; one for the topics of the doctor is enough', async () => {
    const [enough, listener] = [await tokenFor(['topic:doctor:*']), await tokenFor(['topic:doctor:*'], ['topic:other'])]
    const tokens = [[], ['--token', 'nonsense'], ['--token', listener], ['--token', enough]]
    const [none, bad, listens, good] = await Promise.all(tokens.map((token) => run([guarded.url, ...token])))
    for (const result of [none, bad]) {
      expect([result?.code, withVerdict(result?.lines, 'fail')]).toEqual([4, []])
      expect(result?.lines[1]).toMatchObject({
        ...{ probe: 'head', verdict: 'skip', measured: { missing: 'subscribe on topic:doctor:*' } },
      })
      expect(result?.stderr).toContain("boardcast token --subscribe 'topic:doctor:*' --publish 'topic:doctor:*'")
      expect(result?.stderr).not.toContain('nonsense')
    }
    expect(listens?.code).toBe(4)
    expect(withVerdict(listens?.lines, 'skip').sort()).toEqual(['buffering', 'headers'])
    expect(withVerdict(listens?.lines, 'ok')).toHaveLength(PROBES.length - 2)
    expect(listens?.stderr).toContain('must be allowed to publish on topic:doctor:*')
    expect([good?.code, withVerdict(good?.lines, 'ok').length]).toEqual([0, PROBES.length])
    expect(good?.lines.find(({ probe }) => probe === 'headers')?.measured.authorization).toBe(true)
    expect(good?.stdout).not.toContain(enough)
  })
})

interface Meddling {
  readonly pass: Buffer
  /** Comes before what follows. */
  readonly hold?: Buffer
}

/** A proxy for TCP that changes what the server sends, holds some of it back, or cuts it. */
async function startMeddler(port: number, change: (bytes: Buffer, ageMs: number) => Meddling | 'cut') {
  const front = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    let askedAt = performance.now()
    client.on('data', () => {
      askedAt = performance.now()
    })
    let held = Buffer.alloc(0)
    const take = (bytes: Buffer) => {
      const changed = change(Buffer.concat([held, bytes]), performance.now() - askedAt)
      if (changed === 'cut') {
        client.destroy()
        return
      }
      held = Buffer.from(changed.hold ?? '')
      client.write(changed.pass)
    }
    upstream.on('data', take)
    const timer = setInterval(() => take(Buffer.alloc(0)), 50)
    client.pipe(upstream)
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => {})
      one.on('close', () => {
        clearInterval(timer)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  const address = front.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  return {
    url: `http://127.0.0.1:${address.port}`,
    [Symbol.asyncDispose]: async () => void front.close(),
  }
}

test('[CMD35a] what no usual proxy does: beginnings held back, no heartbeats, an end at an age', async () => {
  const holdBeginning = (bytes: Buffer): Meddling => {
    const isBeginning = /event: hello(?![\s\S]*event: (doctor|heartbeat))/.test(text(bytes))
    const headEnd = text(bytes).indexOf('\r\n\r\n') + 4
    const at = !isBeginning ? bytes.length : text(bytes).startsWith('HTTP/') ? headEnd : 0
    return { pass: bytes.subarray(0, at), hold: bytes.subarray(at) }
  }
  const heartbeat = /[0-9a-f]+\r\nevent: heartbeat\n[\s\S]*?\n\n\r\n/g
  const text = (bytes: Buffer) => bytes.toString('latin1')
  await using holding = await startMeddler(slow.port, holdBeginning)
  await using silent = await startMeddler(server.port, (bytes) => ({
    pass: Buffer.from(text(bytes).replace(heartbeat, ''), 'latin1'),
  }))
  await using ageing = await startMeddler(server.port, (bytes, ageMs) => (ageMs > 700 ? 'cut' : { pass: bytes }))
  const results = await Promise.all([holding, silent, ageing].map(({ url }) => run([url])))
  expect(results.map(({ code, lines }) => [code, ...withVerdict(lines, 'fail')])).toEqual([
    [1, 'first-byte'],
    [1, 'heartbeat'],
    [1, 'idle'],
  ])
  const culprits = results.map(({ lines }) => lines.find(({ verdict }) => verdict === 'fail')?.culprit)
  expect(culprits[0]).toContain('holds the beginning of a stream back')
  expect(culprits[1]).toContain('hands no heartbeats on')
  expect(culprits[2]).toMatch(/ends every stream after [\d.]+ m?s, although heartbeats come/)
})
