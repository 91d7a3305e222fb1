/** Apache, configured badly in every way that the doctor recognises. It buffers no streams, however it is configured. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProxyProcess } from '../support/proxy-process.ts'
import type { BadProxy, Fault } from './faults.ts'

const FAULTS: readonly Fault[] = [
  {
    name: 'it makes the server compress',
    bad: ['RequestHeader set Accept-Encoding gzip'],
    probe: 'compression',
    culprit: /^Apache makes the server compress/,
    fix: 'remove "RequestHeader set Accept-Encoding"',
  },
  {
    name: 'it does not compress',
    bad: ['RequestHeader unset Accept-Encoding'],
    probe: 'compression',
    verdict: 'warn',
    culprit: /^Apache does not hand on Accept-Encoding/,
    fix: 'remove "RequestHeader unset Accept-Encoding"',
  },
  {
    name: 'it cuts quiet streams',
    without: ['ProxyTimeout'],
    bad: ['ProxyTimeout 1'],
    isSlow: true,
    probe: 'idle',
    culprit: /^Apache cuts a stream that is quiet for /,
    fix: 'ProxyTimeout 3600',
  },
  {
    name: 'it blocks upgrades',
    without: ['ProxyPass '],
    bad: ['ProxyPass / http://127.0.0.1:PORT/ retry=0 flushpackets=on'],
    probe: 'websocket',
    culprit: /^Apache does not hand on the upgrade to a WebSocket: /,
    fix: 'ProxyPass … upgrade=websocket',
  },
  {
    name: 'it removes Event-Id from answers',
    bad: ['Header unset Event-Id'],
    probe: 'headers',
    culprit: /^Apache removes Event-Id from answers: /,
    fix: 'remove "Header unset Event-Id"',
  },
  {
    name: 'it removes Last-Event-ID from requests',
    bad: ['RequestHeader unset Last-Event-ID'],
    probe: 'resume',
    culprit: /^Apache removes Last-Event-ID from requests: /,
    fix: 'remove "RequestHeader unset Last-Event-ID"',
  },
  {
    name: 'it removes Authorization from requests',
    withRights: true,
    bad: ['RequestHeader unset Authorization'],
    probe: 'headers',
    culprit: /^Apache removes Authorization from requests: /,
    fix: 'remove "RequestHeader unset Authorization"',
  },
  {
    name: 'it sends its own Host',
    without: ['ProxyPreserveHost'],
    bad: [],
    probe: 'headers',
    culprit: /^Apache sends its own Host, /,
    fix: 'ProxyPreserveHost On',
  },
  {
    name: 'it changes Content-Type',
    bad: ['Header set Content-Type text/plain'],
    probe: 'head',
    culprit: /^Apache answers with text\/plain in place of an event stream: /,
    fix: 'remove "Header set Content-Type"',
  },
  {
    name: 'it removes Cache-Control from answers',
    bad: ['Header unset Cache-Control'],
    probe: 'head',
    verdict: 'warn',
    culprit: /^Apache sends no Cache-Control: /,
    fix: 'remove "Header unset Cache-Control"',
  },
]

const MODULES = ['mpm_event', 'proxy', 'proxy_http', 'proxy_wstunnel', 'authz_core', 'headers']

export const BAD_APACHE: BadProxy = {
  name: 'Apache',
  program: 'apache2',
  faults: FAULTS,
  good: (port) => [
    'ProxyPreserveHost On',
    'ProxyTimeout 3600',
    `ProxyPass / http://127.0.0.1:${port}/ upgrade=websocket retry=0 flushpackets=on`,
  ],
  directives: (fix) => [fix],
  start: (configurations) =>
    startProxyProcess('apache2', ({ folder, port }) => {
      const file = join(folder, 'apache.conf')
      const modules = MODULES.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`)
      const around = [`ServerRoot ${folder}`, 'ServerName localhost', `PidFile ${folder}/pid`, `ErrorLog ${folder}/log`]
      const hosts = configurations.map(
        ({ port, lines }) =>
          `Listen 127.0.0.1:${port}\n<VirtualHost 127.0.0.1:${port}>\n${lines.join('\n')}\n</VirtualHost>`,
      )
      const all = [...modules, ...around, `DefaultRuntimeDir ${folder}`, `Listen 127.0.0.1:${port}`, ...hosts]
      writeFileSync(file, `${all.join('\n')}\n`)
      return ['-f', file, '-D', 'FOREGROUND']
    }),
}
