/** Caddy, configured badly in every way that the doctor recognises. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProxyProcess } from '../support/proxy-process.ts'
import type { BadProxy, Fault } from './faults.ts'

const FAULTS: readonly Fault[] = [
  {
    name: 'it buffers',
    bad: ['buffer_responses'],
    probe: 'buffering',
    culprit: /^Caddy buffers the stream: /,
    fix: 'remove "buffer_responses" (newer versions: "response_buffers")',
  },
  {
    name: 'it makes the server compress',
    bad: ['header_up Accept-Encoding gzip'],
    probe: 'compression',
    culprit: /^Caddy makes the server compress/,
    fix: 'remove "header_up Accept-Encoding"',
  },
  {
    name: 'it does not compress',
    bad: ['header_up -Accept-Encoding'],
    probe: 'compression',
    verdict: 'warn',
    culprit: /^Caddy does not hand on Accept-Encoding/,
    fix: 'remove "header_up -Accept-Encoding"',
  },
  {
    name: 'it cuts quiet streams',
    bad: ['transport http {', 'read_timeout 1s', '}'],
    isSlow: true,
    probe: 'idle',
    culprit: /^Caddy cuts a stream that is quiet for /,
    fix: 'remove "read_timeout"',
  },
  {
    name: 'it blocks upgrades',
    bad: ['header_up -Upgrade'],
    probe: 'websocket',
    culprit: /^Caddy does not hand on the upgrade to a WebSocket: /,
    fix: 'remove "header_up -Upgrade"',
  },
  {
    name: 'it removes Event-Id from answers',
    bad: ['header_down -Event-Id'],
    probe: 'headers',
    culprit: /^Caddy removes Event-Id from answers: /,
    fix: 'remove "header_down -Event-Id"',
  },
  {
    name: 'it removes Last-Event-ID from requests',
    bad: ['header_up -Last-Event-ID'],
    probe: 'resume',
    culprit: /^Caddy removes Last-Event-ID from requests: /,
    fix: 'remove "header_up -Last-Event-ID"',
  },
  {
    name: 'it removes Authorization from requests',
    withRights: true,
    bad: ['header_up -Authorization'],
    probe: 'headers',
    culprit: /^Caddy removes Authorization from requests: /,
    fix: 'remove "header_up -Authorization"',
  },
  {
    name: 'it sends its own Host',
    bad: ['header_up Host {upstream_hostport}'],
    probe: 'headers',
    culprit: /^Caddy sends its own Host, /,
    fix: 'remove "header_up Host"',
  },
  {
    name: 'it changes Content-Type',
    bad: ['header_down Content-Type text/plain'],
    probe: 'head',
    culprit: /^Caddy answers with text\/plain in place of an event stream: /,
    fix: 'remove "header_down Content-Type"',
  },
  {
    name: 'it removes Cache-Control from answers',
    bad: ['header_down -Cache-Control'],
    probe: 'head',
    verdict: 'warn',
    culprit: /^Caddy sends no Cache-Control: /,
    fix: 'remove "header_down -Cache-Control"',
  },
]

export const BAD_CADDY: BadProxy = {
  name: 'Caddy',
  program: 'caddy',
  faults: FAULTS,
  good: (port) => [`to 127.0.0.1:${port}`],
  directives: (fix) => [fix.replace(/ \(newer versions: .*\)$/, '')],
  start: (configurations) =>
    startProxyProcess('caddy', ({ folder, port }) => {
      const file = join(folder, 'Caddyfile')
      const sites = configurations.map(
        ({ port, lines }) => `http://127.0.0.1:${port} {\nreverse_proxy {\n${lines.join('\n')}\n}\n}\n`,
      )
      const options = `{\nadmin off\nstorage file_system ${folder}\n}\n`
      writeFileSync(file, `${options}${sites.join('')}http://127.0.0.1:${port} {\nrespond 204\n}\n`)
      return ['run', '--adapter', 'caddyfile', '--config', file]
    }),
}
