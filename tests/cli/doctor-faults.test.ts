/** `boardcast doctor` on roads that no usual proxy makes, and with a server that does not stay as it is. Rules of docs/cli.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROBES } from '../../src/cli/doctor/findings/finding.ts'
import { Road } from '../../src/cli/doctor/road/road.ts'
import { ChildServer } from '../support/child-server.ts'
import { examined } from '../support/doctor.ts'
import { freePort } from '../support/free-port.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startServerWithRights, tokenFor } from '../support/tokens.ts'
import { ended, HOME, run, withVerdict } from './support/doctor.ts'
import { boardcast, type Program } from './support/program.ts'

let server: TestServer
let slow: TestServer
beforeAll(async () => {
  server = await startTestServer({ heartbeatMs: 300 })
  slow = await startTestServer({ heartbeatMs: 2_500 })
})
afterAll(async () => {
  for (const each of [server, slow]) await each?.[Symbol.asyncDispose]()
})

test('[CMD6] a server that is not there yet is waited for as long as was asked, and not at all otherwise', async () => {
  const port = await freePort()
  const road = (waitServerMs: number) =>
    new Road(`http://127.0.0.1:${port}`, {
      ...{ credentials: () => ({}), signal: new AbortController().signal, waitServerMs },
    })
  await expect(road(0).askAgain('GET', '/health')).rejects.toThrow('ECONNREFUSED')
  const waiting = road(60_000).askAgain('GET', '/health')
  // Long after the first attempt of the other one was refused.
  await expect(road(500).askAgain('GET', '/health')).rejects.toThrow('ECONNREFUSED')
  await using late = await startTestServer({ port })
  expect([(await waiting).status, late.port]).toEqual([200, port])
})

describe('in the middle of it', () => {
  test('[CMD34c] a server that restarts is no verdict', async () => {
    const own = await ChildServer.start({ BOARDCAST_HEARTBEAT_MS: '2500' })
    const program = boardcast(['doctor', own.url], HOME)
    await program.until(() => program.stdout().toString().includes('"parallel"'))
    await own.stop('SIGTERM')
    await own.start()
    const { code, lines, stderr } = await ended(program)
    expect([code, withVerdict(lines, 'fail'), stderr]).toEqual([0, [], ''])
    expect(lines.find(({ probe }) => probe === 'idle')).toMatchObject({ verdict: 'warn', fix: 'run it again' })
    expect(lines).toHaveLength(PROBES.length)
  })

  test('[CMD34a] Ctrl-C, a reader that goes away, and the end of the time', async () => {
    const [interrupted, abandoned] = [boardcast(['doctor', slow.url], HOME), boardcast(['doctor', slow.url], HOME)]
    const hasLine = (program: Program) => program.until(() => program.stdout().includes('\n'))
    await Promise.all([hasLine(interrupted), hasLine(abandoned)])
    interrupted.kill('SIGINT')
    abandoned.closeStdout()
    const [stopped, left] = await Promise.all([interrupted, abandoned].map(ended))
    expect([stopped?.code, left?.code, left?.stderr]).toEqual([130, 0, ''])
    expect(stopped?.stdout.endsWith('\n')).toBe(true)

    const findings = await examined(slow.url, undefined, AbortSignal.timeout(1_500))
    expect(Object.keys(findings).sort()).toEqual([...PROBES].sort())
    for (const probe of ['heartbeat', 'idle'] as const) {
      expect(findings[probe]).toMatchObject({ verdict: 'skip', measured: { timeUp: true } })
    }
  })

  test('[CMD35a] a limit of the server itself is told from one of a proxy; a Unix socket is a road, too', async () => {
    await using few = await startServerWithRights({ heartbeatMs: 300, maxStreams: 6 })
    const folder = mkdtempSync(join(tmpdir(), 'boardcast-doctor-'))
    const unixUrl = `unix:${join(folder, 'hub.sock')}`
    await ChildServer.start({ HOST: unixUrl, BOARDCAST_AUTH: 'off', BOARDCAST_HEARTBEAT_MS: '300' })
    const token = await tokenFor(['topic:doctor:*'])
    const [limited, unix] = await Promise.all([few.url, unixUrl].map((url) => run([url, '--token', token])))
    expect([limited?.code, withVerdict(limited?.lines, 'fail')]).toEqual([1, ['parallel']])
    expect(limited?.lines.find(({ probe }) => probe === 'parallel')).toMatchObject({
      culprit: expect.stringMatching(/^the server admits only [1-5] of 8 more streams \(overloaded\)$/),
      fix: 'raise BOARDCAST_MAX_STREAMS, or close other streams of this client',
    })
    expect([unix?.code, withVerdict(unix?.lines, 'ok').length]).toEqual([0, PROBES.length])
    rmSync(folder, { recursive: true })
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
