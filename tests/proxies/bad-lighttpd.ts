/** lighttpd, configured badly in every way that the doctor recognises. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProxyProcess } from '../support/proxy-process.ts'
import type { BadProxy, Fault } from './faults.ts'

const FAULTS: readonly Fault[] = [
  {
    name: 'it buffers',
    without: ['server.stream-response-body'],
    bad: [],
    probe: 'buffering',
    culprit: /^lighttpd buffers the stream: /,
    fix: 'server.stream-response-body = 2',
  },
  {
    name: 'it blocks upgrades',
    without: ['proxy.header'],
    bad: [],
    probe: 'websocket',
    culprit: /^lighttpd does not hand on the upgrade to a WebSocket: /,
    fix: 'proxy.header = ( "upgrade" => "enable" )',
  },
]

export const BAD_LIGHTTPD: BadProxy = {
  name: 'lighttpd',
  program: 'lighttpd',
  faults: FAULTS,
  good: (port) => [
    'server.stream-response-body = 2',
    'proxy.header = ( "upgrade" => "enable" )',
    `proxy.server = ( "" => ( ( "host" => "127.0.0.1", "port" => ${port} ) ) )`,
  ],
  directives: (fix) => [fix],
  start: (configurations) =>
    startProxyProcess('lighttpd', ({ folder, port }) => {
      const file = join(folder, 'lighttpd.conf')
      const own = [`server.port = ${port}`, 'server.bind = "127.0.0.1"', `server.document-root = "${folder}"`]
      const sockets = configurations.map(
        ({ port, lines }) => `$SERVER["socket"] == "127.0.0.1:${port}" {\n${lines.join('\n')}\n}`,
      )
      writeFileSync(file, `${[...own, 'server.modules = ( "mod_proxy" )', ...sockets].join('\n')}\n`)
      return ['-D', '-f', file]
    }),
}
