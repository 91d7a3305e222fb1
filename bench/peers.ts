/** The sides that Boardcast is compared with. Each accepts POST /publish and sends the body to every listener. */
import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from './free-port.ts'
import { type Addresses, type Kind, type Running, type Side, startProcess } from './side.ts'
import { removeFolder, tempFolder } from './temp.ts'

/**
 * What peers fan out: the payload of Boardcast's `attempt_log` as it is sent on a stream, so that every side sends the same
 * bytes.
 */
const PAYLOAD = {
  before: '{"attemptId":"att_01a1f8a0-0009-7d72-8cab-08ebf4d5a052","level":"info","message":"',
  item: '%t%p',
  after: '","ts":"2026-11-20T11:03:18.154Z"}',
}
/** What a message holds around the payload when the transport has no event name and id of its own. */
const ENVELOPE = { before: '{"type":"attempt_log","payload":', after: ',"id":"dd9c3529-4711"}' }

/** Characters of a message, including the mark. */
export const MESSAGE_LENGTH = 130
/** Characters of a message besides the mark of the generator. */
export const PAD = MESSAGE_LENGTH - 13

const NGINX_MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so'

/** The C programs come from `compile`. */
export function peers(floor: string): readonly Side[] {
  return [
    {
      name: 'floor',
      title: 'C floor',
      kind: 'sse',
      missing: () => undefined,
      start: () => start('sse', '/sse', floor),
    },
    nodeSide({ name: 'res-write', title: 'res.write', kind: 'sse', stream: '/sse' }),
    nodeSide({ name: 'hono-stream-sse', title: 'Hono streamSSE', kind: 'sse', stream: '/sse', needs: 'hono' }),
    nodeSide({ name: 'better-sse', title: 'better-sse', kind: 'sse', stream: '/sse', needs: 'better-sse' }),
    nchan,
    nodeSide({ name: 'res-write-gzip', title: 'res.write, gzip each', kind: 'sse', stream: '/sse' }),
    {
      name: 'floor-ws',
      title: 'C floor, WebSocket',
      kind: 'ws',
      missing: () => undefined,
      start: () => start('ws', '/ws', floor),
    },
    nodeSide({ name: 'ws', title: 'ws', kind: 'ws', stream: '/', needs: 'ws' }),
    nodeSide({
      name: 'socket-io',
      title: 'Socket.IO',
      kind: 'socketio',
      stream: '/socket.io/?EIO=4&transport=websocket',
      needs: 'socket.io',
    }),
  ]
}

interface NodeSide {
  readonly name: string
  readonly title: string
  readonly kind: Kind
  readonly stream: string
  readonly needs?: string
}

const resolve = createRequire(import.meta.url).resolve

/** A server in `bench/sides`; `needs` is the package that it uses. */
function nodeSide({ name, title, kind, stream, needs }: NodeSide): Side {
  const file = fileURLToPath(new URL(`sides/${name}.mjs`, import.meta.url))
  return {
    name,
    title,
    kind,
    missing() {
      try {
        if (needs) resolve(needs)
        return undefined
      } catch {
        return `${needs} is not installed`
      }
    },
    start: () => start(kind, stream, process.execPath, [file]),
  }
}

async function start(kind: Kind, stream: string, command: string, args: readonly string[] = []): Promise<Running> {
  const { pid, port, stop } = await startProcess({ command, args })
  return { kind, port, pids: [pid], addresses: addressesOf(kind, stream), stop }
}

function addressesOf(kind: Kind, stream: string): Addresses {
  const { before, item, after } = PAYLOAD
  // Socket.IO sends an event name of its own.
  if (kind !== 'ws') return { stream, publish: '/publish', ...PAYLOAD }
  return { stream, publish: '/publish', before: ENVELOPE.before + before, item, after: after + ENVELOPE.after }
}

/** nginx with Nchan and one worker. It stores and logs nothing, and only fans out. */
const nchan: Side = {
  name: 'nchan',
  title: 'Nchan',
  kind: 'sse',
  missing() {
    try {
      execFileSync('nginx', ['-v'], { stdio: 'ignore' })
    } catch {
      return 'nginx is not installed'
    }
    return existsSync(NGINX_MODULE) ? undefined : 'nginx has no Nchan module (Debian: libnginx-mod-nchan)'
  },
  async start() {
    const folder = tempFolder('nchan')
    const port = await freePort()
    writeFileSync(join(folder, 'nginx.conf'), nginxConfig(folder, port))
    // nginx prints nothing when it listens, so a shell prints it and is then replaced by nginx.
    const script = `(sleep 0.3; echo listening on http://127.0.0.1:${port}) & exec nginx -p ${folder} -c ${folder}/nginx.conf`
    const { pid, stop } = await startProcess({ command: 'sh', args: ['-c', script] })
    return {
      kind: 'sse',
      port,
      pids: [pid],
      addresses: addressesOf('sse', '/sse'),
      async stop() {
        await stop()
        removeFolder(folder)
      },
    }
  },
}

function nginxConfig(folder: string, port: number): string {
  return `load_module ${NGINX_MODULE};
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
worker_rlimit_nofile 20000;
events { worker_connections 16384; }
http {
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  client_body_buffer_size 64k;
  nchan_shared_memory_size 256M;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /publish {
      nchan_publisher; nchan_channel_id bench; nchan_store_messages off; nchan_eventsource_event attempt_log;
    }
    location = /sse {
      nchan_subscriber eventsource; nchan_channel_id bench; nchan_subscriber_first_message newest; nchan_eventsource_event attempt_log;
    }
  }
}
`
}
