/** nginx, configured badly in every way that the doctor recognises. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startProxyProcess } from '../support/proxy-process.ts'
import type { BadProxy, Fault } from './faults.ts'

const FAULTS: readonly Fault[] = [
  {
    // Over HTTP/1.1 nginx hands on the chunks of the server as they come, even if it buffers.
    name: 'it buffers',
    without: ['proxy_buffering', 'proxy_http_version'],
    bad: ['proxy_ignore_headers X-Accel-Buffering;'],
    probe: 'buffering',
    culprit: /^nginx buffers the stream: 5 of 5 events came only [\d.]+ s after/,
    fix: 'proxy_buffering off;',
  },
  {
    name: 'it makes the server compress',
    bad: ['proxy_set_header Accept-Encoding gzip;'],
    probe: 'compression',
    culprit: /^nginx makes the server compress .*: Content-Encoding: gzip on .* identity$/,
    fix: 'proxy_set_header Accept-Encoding $http_accept_encoding;',
  },
  {
    name: 'it compresses by itself, and holds back what it compresses',
    without: ['proxy_buffering'],
    bad: [
      'proxy_ignore_headers X-Accel-Buffering;',
      'proxy_set_header Accept-Encoding "";',
      'gzip on;',
      'gzip_types text/event-stream;',
    ],
    probe: 'compression',
    culprit: /^nginx compresses the stream and holds events back/,
    fix: 'proxy_set_header Accept-Encoding $http_accept_encoding;',
  },
  {
    name: 'it does not compress',
    bad: ['proxy_set_header Accept-Encoding "";'],
    probe: 'compression',
    verdict: 'warn',
    culprit: /^nginx does not hand on Accept-Encoding/,
    fix: 'proxy_set_header Accept-Encoding $http_accept_encoding;',
  },
  {
    name: 'it cuts quiet streams',
    without: ['proxy_read_timeout'],
    bad: ['proxy_read_timeout 1s;'],
    isSlow: true,
    probe: 'idle',
    culprit: /^nginx cuts a stream that is quiet for [\d.]+ m?s: two streams ended/,
    fix: 'proxy_read_timeout 1h;',
  },
  {
    name: 'it blocks upgrades',
    without: ['proxy_set_header Upgrade', 'proxy_set_header Connection'],
    bad: [],
    probe: 'websocket',
    culprit: /^nginx does not hand on the upgrade to a WebSocket: the upgrade is answered 426$/,
    fix: 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";',
  },
  ...['Event-Id', 'X-Request-Id', 'Idempotency-Replayed'].map(
    (header): Fault => ({
      name: `it removes ${header} from answers`,
      bad: [`proxy_hide_header ${header};`],
      probe: 'headers',
      culprit: new RegExp(`^nginx removes ${header} from answers: `),
      fix: `proxy_pass_header ${header};`,
    }),
  ),
  {
    name: 'it removes several headers',
    bad: ['proxy_hide_header Event-Id;', 'proxy_hide_header X-Request-Id;'],
    probe: 'headers',
    culprit: /^nginx removes Event-Id from answers: .*; nginx removes X-Request-Id from answers: /,
    fix: 'proxy_pass_header Event-Id; proxy_pass_header X-Request-Id;',
  },
  {
    name: 'it removes Idempotency-Key from requests',
    bad: ['proxy_set_header Idempotency-Key "";'],
    probe: 'headers',
    culprit: /^nginx removes Idempotency-Key from requests: .* carried out twice$/,
    fix: 'proxy_set_header Idempotency-Key $http_idempotency_key;',
  },
  {
    name: 'it removes Authorization from requests',
    withRights: true,
    bad: ['proxy_set_header Authorization "";'],
    probe: 'headers',
    culprit: /^nginx removes Authorization from requests: the server got no token$/,
    fix: 'proxy_set_header Authorization $http_authorization;',
  },
  {
    name: 'it removes Last-Event-ID from requests',
    bad: ['proxy_set_header Last-Event-ID "";'],
    probe: 'resume',
    culprit: /^nginx removes Last-Event-ID from requests: /,
    fix: 'proxy_set_header Last-Event-ID $http_last_event_id;',
  },
  {
    name: 'it sends its own Host',
    without: ['proxy_set_header Host'],
    bad: [],
    probe: 'headers',
    culprit: /^nginx sends its own Host, .*: a POST with the Origin of this address is answered 403$/,
    fix: 'proxy_set_header Host $http_host;',
  },
  {
    name: 'it sends a Host that the server does not know',
    without: ['proxy_set_header Host'],
    bad: ['proxy_set_header Host upstream.internal;'],
    probe: 'reach',
    culprit: /^nginx sends its own Host, .*: it arrives as upstream.internal$/,
    fix: 'proxy_set_header Host $http_host;',
  },
  {
    name: 'it removes the query',
    without: ['proxy_pass'],
    bad: ['proxy_pass http://127.0.0.1:PORT$uri;'],
    probe: 'head',
    culprit: /^nginx removes the query from addresses: /,
    fix: 'proxy_pass …$is_args$args;',
  },
  {
    name: 'it removes Content-Type from answers',
    bad: ['proxy_hide_header Content-Type;'],
    probe: 'head',
    culprit: /^nginx answers with no Content-Type in place of an event stream: /,
    fix: 'proxy_pass_header Content-Type;',
  },
  {
    name: 'it removes Cache-Control from answers',
    bad: ['proxy_hide_header Cache-Control;'],
    probe: 'head',
    verdict: 'warn',
    culprit: /^nginx sends no Cache-Control: /,
    fix: 'proxy_pass_header Cache-Control;',
  },
  {
    name: 'it lets nobody post',
    bad: ['limit_except GET { deny all; }'],
    probe: 'headers',
    culprit: /^nginx answers a POST with 403: not by the server$/,
    fix: 'remove "limit_except"',
  },
  {
    name: 'it admits few streams',
    bad: ['limit_conn few 6;'],
    probe: 'parallel',
    culprit: /^nginx admits only [2-6] of 8 streams at once: the others are answered 503$/,
    fix: 'limit_conn ZONE 100;',
  },
  {
    name: 'it asks for a password',
    bad: ['auth_basic "closed";', 'auth_basic_user_file /dev/null;'],
    probe: 'reach',
    culprit: /^nginx asks for a password of its own \(401\)$/,
    fix: 'auth_basic off;',
  },
]

export const BAD_NGINX: BadProxy = {
  name: 'nginx',
  program: 'nginx',
  faults: FAULTS,
  good: (port) => [
    `proxy_pass http://127.0.0.1:${port};`,
    'proxy_http_version 1.1;',
    'proxy_set_header Host $http_host;',
    'proxy_set_header Upgrade $http_upgrade;',
    'proxy_set_header Connection $connection_upgrade;',
    'proxy_buffering off;',
    'proxy_read_timeout 1h;',
  ],
  directives: (fix) => fix.replace('ZONE', 'few').split(/(?<=;) /),
  start: (configurations) =>
    startProxyProcess('nginx', ({ folder, port }) => {
      const file = join(folder, 'nginx.conf')
      const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((n) => `${n}_temp_path ${folder}/${n};`)
      const servers = configurations.map(
        ({ port, lines }) => `server { listen 127.0.0.1:${port}; location / {\n${lines.join('\n')}\n} }`,
      )
      writeFileSync(
        file,
        `daemon off; master_process off; pid ${folder}/pid; error_log stderr; worker_rlimit_nofile 4096;
events { worker_connections 2048; }
http { access_log off; ${temp.join(' ')}
limit_conn_zone $server_port zone=few:1m;
map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
${servers.join('\n')}
server { listen 127.0.0.1:${port}; } }`,
      )
      return ['-p', folder, '-c', file, '-e', 'stderr']
    }),
}
