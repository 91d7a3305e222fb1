/** `boardcast doctor` as the built program. Rules CMD34 and CMD35 of docs/cli.md; what proxies do is in tests/proxies. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PROBES } from '../../src/cli/doctor/findings/finding.ts'
import { freePort } from '../support/free-port.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startServerWithRights, tokenFor } from '../support/tokens.ts'
import { ended, HOME, run, withVerdict } from './support/doctor.ts'
import { boardcast, cli } from './support/program.ts'
import { startStub } from './support/stub-server.ts'

let server: TestServer
let guarded: TestServer
beforeAll(async () => {
  server = await startTestServer({ heartbeatMs: 300 })
  guarded = await startServerWithRights({ heartbeatMs: 300 })
})
afterAll(async () => {
  for (const each of [server, guarded]) await each?.[Symbol.asyncDispose]()
})

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
