/** How the doctor judges what it has measured, and how its probes depend on each other. */
import { describe, expect, test } from 'vitest'
import { CAUSES, type CauseName, causeOf } from '../../src/cli/doctor/findings/causes.ts'
import { EXPLAINED_BY, NEEDS } from '../../src/cli/doctor/findings/dependencies.ts'
import { PROBES, type ProbeName } from '../../src/cli/doctor/findings/finding.ts'
import { middleOf, UNNAMED } from '../../src/cli/doctor/findings/middle.ts'
import { judgeHolding } from '../../src/cli/doctor/probes/buffering.ts'
import { judgeEncodings } from '../../src/cli/doctor/probes/compression.ts'
import { judgeFirstBytes } from '../../src/cli/doctor/probes/first-byte.ts'
import { type Cut, judgeHeartbeat, judgeQuiet } from '../../src/cli/doctor/probes/quiet.ts'
import { judgeAnswer, judgeNoAnswer } from '../../src/cli/doctor/probes/reach.ts'
import { judgeResumed } from '../../src/cli/doctor/probes/resume.ts'
import { judgeSocket } from '../../src/cli/doctor/probes/websocket.ts'
import { wrapped } from '../../src/cli/doctor/report.ts'
import { BAD_APACHE } from '../proxies/bad-apache.ts'
import { BAD_CADDY } from '../proxies/bad-caddy.ts'
import { BAD_HAPROXY } from '../proxies/bad-haproxy.ts'
import { BAD_LIGHTTPD } from '../proxies/bad-lighttpd.ts'
import { BAD_NGINX } from '../proxies/bad-nginx.ts'

const NGINX = middleOf({ server: 'nginx/1.22.1' })

test('[CMD35a] no probe waits for itself, however many others explain it', () => {
  const depends = (probe: ProbeName) => [...NEEDS[probe], ...EXPLAINED_BY[probe]]
  const path = (probe: ProbeName, before: readonly ProbeName[]): void => {
    expect(before).not.toContain(probe)
    for (const next of depends(probe)) path(next, [...before, probe])
  }
  for (const probe of PROBES) path(probe, [])
})

test('[CMD35a] what is in between is known by Server, otherwise by Via', () => {
  const names = [
    { server: 'openresty/1.21' },
    { server: 'Apache/2.4.62 (Debian)' },
    { server: 'Caddy' },
    { via: '1.1 Caddy' },
    { server: 'lighttpd/1.4.69' },
    { server: 'cloudflare' },
    { via: '1.1 varnish (Varnish/7.1)' },
    {},
  ].map(middleOf)
  expect(names.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    ...['nginx nginx', 'apache Apache', 'caddy Caddy', 'caddy Caddy', 'lighttpd lighttpd'],
    ...['other cloudflare', 'other varnish', 'other the proxy or load balancer'],
  ])
})

test('[CMD35b] every line for a proxy that it can print is applied by a test', () => {
  const tested = [BAD_NGINX, BAD_HAPROXY, BAD_CADDY, BAD_APACHE, BAD_LIGHTTPD].flatMap(({ faults }) =>
    faults.map(({ fix }) => fix),
  )
  const headers = ['Event-Id', 'Last-Event-ID']
  const lines = (Object.keys(CAUSES) as CauseName[]).flatMap((name) =>
    Object.entries(CAUSES[name].fixes).flatMap(([kind, fix]) => {
      const texts = headers.map((header) => fix(header))
      // For load balancers in general there is no line to apply, unless it names HAProxy's.
      return kind === 'other' && !texts[0]?.includes('(HAProxy: ') ? [] : [{ name, kind, texts }]
    }),
  )
  expect(lines.length).toBeGreaterThan(30)
  expect(lines.filter(({ texts }) => !texts.some((text) => tested.includes(text)))).toEqual([])
})

test('[CMD35a] without a fix of its own a known proxy gets the general one', () => {
  expect(causeOf('buffers', middleOf({ server: 'Apache' }), 'it shows')).toEqual({
    culprit: 'Apache buffers the stream: it shows',
    fix: 'turn off the buffering of responses',
  })
  expect(causeOf('silencesSocket', NGINX, 'it shows')).not.toHaveProperty('fix')
})

describe('streams on which nothing happens', () => {
  const open: Cut = {
    ageMs: undefined,
    quietMs: 100,
    endedAt: undefined,
    heartbeats: 1,
    isDraining: false,
    hasBegun: true,
  }
  const cut = (ageMs: number, endedAt: number, more: Partial<Cut> = {}): Cut => ({
    ...{ ...open, ageMs, endedAt, quietMs: ageMs, heartbeats: 0 },
    ...more,
  })
  const judge = (first: Cut, second: Cut) => judgeQuiet([first, second], { watchedMs: 16_000 }, NGINX)

  test('[CMD35a] two cuts at one age are a timeout; after heartbeats a limit of the age', () => {
    expect(judge(open, open)).toMatchObject({ verdict: 'ok', measured: { watchedMs: 16_000, cutAfterMs: null } })
    expect(judge(cut(10_002, 10_100), cut(10_010, 10_710))).toMatchObject({
      verdict: 'fail',
      measured: { cutAfterMs: 10_002, quietMs: 10_002 },
      culprit: 'nginx cuts a stream that is quiet for 10 s: two streams ended so long after their last byte',
      fix: 'proxy_read_timeout 1h;',
    })
    const old = { heartbeats: 2, quietMs: 1_000 }
    expect(judge(cut(31_000, 31_000, old), cut(31_001, 31_700, old))).toMatchObject({
      verdict: 'fail',
      culprit: 'nginx ends every stream after 31 s, although heartbeats come: two streams ended at that age',
    })
  })

  test('[CMD34c] a restart cuts both at one moment, and is no verdict', () => {
    expect(judge(cut(5_000, 5_000), cut(4_400, 5_000)).verdict).toBe('warn')
    expect(judge(cut(5_000, 5_000), open).verdict).toBe('warn')
    const draining = { isDraining: true }
    expect(judge(cut(5_000, 5_000, draining), cut(5_001, 5_600, draining)).verdict).toBe('warn')
  })

  test('[CMD35a] heartbeats that do not come', () => {
    expect(judgeHeartbeat({ everyMs: 15_000, firstMs: 14_990, waitedMs: 14_990 }, NGINX).verdict).toBe('ok')
    expect(judgeHeartbeat({ everyMs: 15_000, firstMs: undefined, waitedMs: 19_750 }, NGINX)).toMatchObject({
      verdict: 'fail',
      culprit: 'nginx hands no heartbeats on: none came in 20 s, and the server sends one every 15 s',
    })
  })

  test('[CMD35a] sockets likewise', () => {
    const facts = { status: 101, error: undefined, openMs: 5, pongMs: 1 }
    const socket = (first: [number, number], second?: [number, number]) => {
      const [one, two] = [first, second].map((cut) => cut && { ageMs: cut[0], quietMs: cut[1] })
      return judgeSocket({ ...facts, cuts: [one, two] }, UNNAMED).verdict
    }
    expect(judgeSocket({ ...facts, cuts: [undefined, undefined] }, UNNAMED).verdict).toBe('ok')
    expect(socket([10_400, 10_000], [10_010, 10_000])).toBe('fail')
    expect(socket([60_000, 15_000], [60_010, 14_500])).toBe('fail')
    expect(socket([4_000, 3_600])).toBe('warn')
    const explained = (status: number) =>
      judgeSocket({ ...facts, status, openMs: undefined, cuts: [undefined, undefined] }, UNNAMED).explainedBy
    expect([explained(426), explained(403), explained(502)]).toEqual([[], ['headers'], ['buffering']])
  })
})

describe('what comes late', () => {
  test('[CMD35a] events that are held back: by all, by some, or by a little each', () => {
    const judge = (heldMs: readonly (number | undefined)[], lateMs?: number) => judgeHolding({ heldMs, lateMs }, NGINX)
    expect(judge([0, 3, 900]).verdict).toBe('ok')
    expect([judge([201, 3, 230]).verdict, judge([0, 3, 900, 220, 7]).verdict]).toEqual(['warn', 'ok'])
    expect(judge([201, 205, 230])).toMatchObject({ verdict: 'warn', measured: { heldMs: 201, maxHeldMs: 230 } })
    expect(judge([1, undefined, undefined], 1_900)).toMatchObject({
      verdict: 'fail',
      culprit: 'nginx buffers the stream: 2 of 3 events came only 1.9 s after the answer to the POST',
    })
    expect(judge([undefined, undefined, undefined]).culprit).toContain('3 of 3 events never came')
  })

  test('[CMD35a] a beginning that is slow, and one that is held back', () => {
    const judge = (helloMs: number | undefined, isWithMore = false, answerMs = 10) =>
      judgeFirstBytes({ helloMs, isWithMore, answerMs }, NGINX).verdict
    expect([judge(900), judge(900, true), judge(2_500, true, 800)]).toEqual(['ok', 'ok', 'ok'])
    expect([judge(2_500), judge(2_500, true), judge(undefined)]).toEqual(['warn', 'fail', 'fail'])
  })
})

test('[CMD35a] compression that cannot be undone', () => {
  const facts = { identity: 'identity', gzip: 'gzip', came: false, undecodable: 'incorrect header check' }
  expect(judgeEncodings(facts, NGINX)).toMatchObject({
    verdict: 'fail',
    culprit: expect.stringContaining('cannot be decompressed: incorrect header check'),
  })
})

test('[CMD35a] streams that do not resume', () => {
  expect(judgeResumed({ header: false, query: false, isComplete: true }, NGINX).culprit).toContain(
    'nor from one in the',
  )
  expect(judgeResumed({ header: true, query: true, isComplete: false }, NGINX).culprit).toContain('do not come')
})

describe('what answers', () => {
  test('[CMD34c] certificates, and connections without an answer', () => {
    const judge = (code: string) => judgeNoAnswer('https://board.test', Object.assign(new Error(code), { code }))
    expect(judge('DEPTH_ZERO_SELF_SIGNED_CERT').fix).toContain('NODE_EXTRA_CA_CERTS')
    expect(judge('ERR_TLS_CERT_ALTNAME_INVALID').fix).toContain('a certificate for this name')
    expect(judge('ECONNRESET').culprit).toContain('accepts connections and does not answer')
  })

  test('[CMD35a] a host that the server does not know, and one that the proxy has put there', () => {
    const judge = (host: string) => {
      const detail = `This server is not known as ${host}. Add that host to BOARDCAST_HOSTS, or have the proxy send a Host that the server knows.`
      const answer = {
        status: 403,
        headers: {},
        text: '',
        askedAt: 0,
        answeredAt: 1,
        body: { code: 'forbidden', detail },
      }
      return judgeAnswer(answer, { baseUrl: 'https://board.test:8443', middle: NGINX, ms: 1 })
    }
    expect(judge('board.test:8443')).toMatchObject({ verdict: 'fail', fix: 'BOARDCAST_HOSTS=board.test' })
    expect(judge('upstream')).toMatchObject({ verdict: 'fail', fix: 'proxy_set_header Host $http_host;' })
  })
})

test('[CMD34a] text is wrapped between words', () => {
  expect(wrapped('one two three', 8)).toEqual(['one two', 'three'])
  expect(wrapped('extraordinary x', 5)).toEqual(['extraordinary', 'x'])
  expect(wrapped('one two', Number.POSITIVE_INFINITY)).toEqual(['one two'])
})
