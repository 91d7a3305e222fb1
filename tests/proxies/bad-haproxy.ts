/** HAProxy, configured badly in every way that the doctor recognises. It names itself in no header. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProxyProcess } from '../support/proxy-process.ts'
import type { BadProxy, Fault } from './faults.ts'

const WHO = 'the proxy or load balancer'

const FAULTS: readonly Fault[] = [
  {
    name: 'it waits for more before it sends',
    without: ['option http-no-delay'],
    bad: [],
    probe: 'buffering',
    verdict: 'warn',
    culprit: new RegExp(`^${WHO} holds every event back for \\d+ ms: `),
    fix: 'hand events on at once (HAProxy: option http-no-delay)',
  },
  {
    name: 'it makes the server compress',
    bad: ['http-request set-header Accept-Encoding gzip'],
    probe: 'compression',
    culprit: new RegExp(`^${WHO} makes the server compress`),
    fix: 'hand Accept-Encoding on as it comes (HAProxy: remove "http-request set-header Accept-Encoding")',
  },
  {
    name: 'it does not compress',
    bad: ['http-request del-header Accept-Encoding'],
    probe: 'compression',
    verdict: 'warn',
    culprit: new RegExp(`^${WHO} does not hand on Accept-Encoding`),
    fix: 'hand Accept-Encoding on (HAProxy: remove "http-request del-header Accept-Encoding")',
  },
  {
    name: 'it cuts quiet streams',
    without: ['timeout server'],
    bad: ['timeout server 1s'],
    isSlow: true,
    probe: 'idle',
    culprit: new RegExp(`^${WHO} cuts a stream that is quiet for [\\d.]+ m?s: two streams ended`),
    fix: 'an idle timeout above the interval of heartbeats (HAProxy: timeout server 1h, timeout client 1h)',
  },
  {
    name: 'it cuts quiet sockets',
    without: ['timeout tunnel'],
    bad: ['timeout tunnel 1s'],
    isSlow: true,
    probe: 'websocket',
    culprit: new RegExp(`^${WHO} cuts a WebSocket that is quiet for [\\d.]+ m?s: two sockets ended`),
    fix: 'an idle timeout for sockets above the interval of heartbeats (HAProxy: timeout tunnel 1h)',
  },
  {
    name: 'it blocks upgrades',
    bad: ['http-request del-header Upgrade'],
    probe: 'websocket',
    culprit: new RegExp(`^${WHO} does not hand on the upgrade to a WebSocket: `),
    fix: 'hand upgrades on (HAProxy: remove "http-request del-header Upgrade")',
  },
  {
    name: 'it removes Event-Id from answers',
    bad: ['http-response del-header Event-Id'],
    probe: 'headers',
    culprit: new RegExp(`^${WHO} removes Event-Id from answers: `),
    fix: 'hand Event-Id on (HAProxy: remove "http-response del-header Event-Id")',
  },
  {
    name: 'it removes Last-Event-ID from requests',
    bad: ['http-request del-header Last-Event-ID'],
    probe: 'resume',
    culprit: new RegExp(`^${WHO} removes Last-Event-ID from requests: `),
    fix: 'hand Last-Event-ID on (HAProxy: remove "http-request del-header Last-Event-ID")',
  },
  {
    name: 'it removes Authorization from requests',
    withRights: true,
    bad: ['http-request del-header Authorization'],
    probe: 'headers',
    culprit: new RegExp(`^${WHO} removes Authorization from requests: `),
    fix: 'hand Authorization on (HAProxy: remove "http-request del-header Authorization")',
  },
  {
    name: 'it sends its own Host',
    bad: ['http-request set-header Host localhost'],
    probe: 'headers',
    culprit: new RegExp(`^${WHO} sends its own Host, `),
    fix: 'hand Host on as it comes (HAProxy: remove "http-request set-header Host")',
  },
  {
    name: 'it changes Content-Type',
    bad: ['http-response set-header Content-Type text/plain'],
    probe: 'head',
    culprit: new RegExp(`^${WHO} answers with text/plain in place of an event stream: `),
    fix: 'hand Content-Type on (HAProxy: remove "http-response set-header Content-Type")',
  },
  {
    name: 'it admits few connections',
    bad: ['maxconn 6'],
    probe: 'parallel',
    culprit: new RegExp(`^${WHO} admits only [1-7] of 8 streams at once: the others do not begin`),
    fix: 'raise the number of connections that one client may have (HAProxy: maxconn 10000)',
  },
]

export const BAD_HAPROXY: BadProxy = {
  name: 'HAProxy',
  program: 'haproxy',
  faults: FAULTS,
  good: (port) => [
    'mode http',
    'timeout connect 5s',
    'timeout client 1h',
    'timeout server 1h',
    'timeout tunnel 1h',
    'option http-no-delay',
    `server hub 127.0.0.1:${port}`,
  ],
  directives: (fix) => /\(HAProxy: (.*)\)$/.exec(fix)?.[1]?.split(', ') ?? [],
  start: (configurations) =>
    startProxyProcess('haproxy', ({ folder, port }) => {
      const file = join(folder, 'haproxy.cfg')
      const listening = configurations.map(
        ({ port, lines }, at) => `listen l${at}\n  bind 127.0.0.1:${port}\n  ${lines.join('\n  ')}\n`,
      )
      const ready = `frontend ready\n  bind 127.0.0.1:${port}\n  mode http\n  timeout client 1h\n`
      writeFileSync(file, listening.join('\n') + ready)
      return ['-db', '-f', file]
    }),
}
