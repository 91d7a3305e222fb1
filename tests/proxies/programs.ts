/**
 * The proxies of docs/proxies, each run with the very file that the documents show: only its addresses are replaced, and what
 * a program needs to run without being root's service is put around it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isOnPath, type RunningProxy, startProxyProcess } from '../support/proxy-process.ts'

export interface ProxyKind {
  readonly name: string
  readonly program: string
  /** In docs/proxies. */
  readonly file: string
  /** A native EventSource that asks while the server restarts comes back by itself. */
  readonly bringsBack: boolean
  /** Addresses above so many bytes are refused, however it is configured; undefined: none that Boardcast can have is. */
  readonly longestAddress?: number
  /** The file as this program is to read it, and the arguments that it is started with. */
  prepare(file: string, where: { readonly folder: string; readonly port: number }): PreparedProxy
}

interface PreparedProxy {
  readonly text: string
  readonly args: readonly string[]
}

const DOCS = fileURLToPath(new URL('../../docs/proxies/', import.meta.url))
const CONFIG = 'proxy.conf'

export const NGINX: ProxyKind = {
  name: 'nginx',
  program: 'nginx',
  file: 'nginx.conf',
  bringsBack: true,
  prepare(file, { folder }) {
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((n) => `${n}_temp_path ${folder}/${n};`)
    const text = `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
events {}
http { access_log off; ${temp.join(' ')}
${file}
}`
    return { text, args: ['-p', folder, '-c', join(folder, CONFIG), '-e', 'stderr'] }
  },
}

export const PROXIES: readonly ProxyKind[] = [
  NGINX,
  {
    name: 'HAProxy',
    program: 'haproxy',
    file: 'haproxy.cfg',
    bringsBack: true,
    prepare: (text, { folder }) => ({ text, args: ['-db', '-f', join(folder, CONFIG)] }),
  },
  {
    name: 'Caddy',
    program: 'caddy',
    file: 'Caddyfile',
    bringsBack: true,
    prepare: (text, { folder }) => ({
      text: withOptions(text, `\tadmin off\n\tstorage file_system ${folder}\n`),
      args: ['run', '--adapter', 'caddyfile', '--config', join(folder, CONFIG)],
    }),
  },
  {
    name: 'Apache',
    program: 'apache2',
    file: 'apache.conf',
    bringsBack: false,
    prepare(file, { folder }) {
      const modules = ['mpm_event', 'proxy', 'proxy_http', 'proxy_wstunnel', 'authz_core'].map(
        (name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`,
      )
      const around = [`ServerRoot ${folder}`, 'ServerName localhost', `PidFile ${folder}/pid`, `ErrorLog ${folder}/log`]
      const text = [...modules, ...around, `DefaultRuntimeDir ${folder}`, file].join('\n')
      return { text, args: ['-f', join(folder, CONFIG), '-D', 'FOREGROUND'] }
    },
  },
  {
    name: 'lighttpd',
    program: 'lighttpd',
    file: 'lighttpd.conf',
    bringsBack: false,
    prepare: (text, { folder }) => ({
      text: text.replace('/var/empty', folder),
      args: ['-D', '-f', join(folder, CONFIG)],
    }),
  },
  {
    name: 'Varnish',
    program: 'varnishd',
    file: 'varnish.vcl',
    bringsBack: true,
    prepare: (text, { folder, port }) => ({
      text,
      args: [
        '-F',
        '-n',
        `${folder}/work`,
        '-a',
        `127.0.0.1:${port}`,
        '-f',
        join(folder, CONFIG),
        ...parametersIn(text),
      ],
    }),
  },
  {
    name: 'Squid',
    program: 'squid',
    file: 'squid.conf',
    bringsBack: false,
    longestAddress: 8_192,
    prepare: (text, { folder, port }) => ({
      text: [
        text,
        `pid_filename ${folder}/pid`,
        `cache_log ${folder}/log`,
        'access_log none',
        `coredump_dir ${folder}`,
        'cache_effective_user proxy',
        'shutdown_lifetime 1 second',
        'pinger_enable off',
      ].join('\n'),
      // Its shared memory is named after the service.
      args: ['-N', '-n', `boardcast${port}`, '-f', join(folder, CONFIG)],
    }),
  },
  {
    name: 'h2o',
    program: 'h2o',
    file: 'h2o.yaml',
    bringsBack: false,
    prepare: (text, { folder }) => ({
      text: `user: root\nnum-threads: 2\nerror-log: ${folder}/log\npid-file: ${folder}/pid\n${text}`,
      args: ['-m', 'worker', '-c', join(folder, CONFIG)],
    }),
  },
]

/** Whether a proxy can be started; tests of one that can't are skipped, and this says which. */
export function isInstalled({ name, program }: ProxyKind): boolean {
  const found = isOnPath(program)
  if (!found) process.stderr.write(`skipped: ${name} (${program}) is not installed\n`)
  return found
}

/** Starts it in front of a port of loopback. */
export function startProxy(kind: ProxyKind, upstream: number): Promise<RunningProxy> {
  return startWith(kind, (file) =>
    file
      .replaceAll('127.0.0.1:3000', `127.0.0.1:${upstream}`)
      .replaceAll(/(\.port = "|"port" => |parent )3000/g, `$1${upstream}`),
  )
}

/** The nginx in front of several nodes, on ports of loopback: as many as the file has. */
export function startClusterProxy(upstreams: readonly number[]): Promise<RunningProxy> {
  return startWith({ ...NGINX, file: 'nginx-cluster.conf' }, (file) =>
    file.replaceAll(/10\.0\.0\.(\d):3000/g, (_, n: string) => `127.0.0.1:${upstreams[Number(n) - 1]}`),
  )
}

/** `place` puts the addresses of what it stands in front of into the file. */
function startWith(kind: ProxyKind, place: (file: string) => string): Promise<RunningProxy> {
  return startProxyProcess(kind.program, ({ folder, port }) => {
    const file = place(readFileSync(DOCS + kind.file, 'utf8')).replaceAll(/\b8080\b/g, String(port))
    const { text, args } = kind.prepare(file, { folder, port })
    mkdirSync(join(folder, 'work'))
    writeFileSync(join(folder, CONFIG), text)
    return args
  })
}

/** The parameters of the command line that the comment at the top of the file gives. */
function parametersIn(text: string): string[] {
  return [...text.matchAll(/-p (\w+=\w+)/g)].flatMap(([, parameter = '']) => ['-p', parameter])
}

/** Caddy allows one block of global options, at the beginning. */
function withOptions(text: string, options: string): string {
  return /^\{$/m.test(text) ? text.replace(/^\{\n/m, `{\n${options}`) : `{\n${options}}\n${text}`
}
