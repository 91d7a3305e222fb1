/** nginx and HAProxy with the configuration of a test. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isOnPath, type RunningProxy, startProxyProcess } from './proxy-process.ts'

/** The programs that are not installed; tests that need them are skipped and name them. */
export function missing(...names: readonly string[]): readonly string[] {
  return names.filter((name) => !isOnPath(name))
}

/** `server` is the inside of nginx's `server { … }`, `http` stands beside it, `listen` after the address. */
export function startNginx(
  config: (folder: string) => { server: string; http?: string; listen?: string },
): Promise<RunningProxy> {
  return startProxyProcess('nginx', ({ port, folder }) => {
    const { server, http = '', listen = '' } = config(folder)
    const file = join(folder, 'nginx.conf')
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((n) => `${n}_temp_path ${folder}/${n};`)
    writeFileSync(
      file,
      `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
events {}
http { access_log off; ${temp.join(' ')} ${http} server { listen 127.0.0.1:${port} ${listen}; ${server} } }`,
    )
    return ['-p', folder, '-c', file, '-e', 'stderr']
  })
}

/** `frontend` is what HAProxy does with a request before it goes to `target`, a port of loopback. */
export function startHaproxy(target: number, frontend: string): Promise<RunningProxy> {
  return startProxyProcess('haproxy', ({ port, folder }) => {
    const file = join(folder, 'haproxy.cfg')
    const times = ['connect 5s', 'client 1h', 'server 1h', 'tunnel 1h'].map((each) => `timeout ${each}`)
    const defaults = ['defaults', 'mode http', 'option http-no-delay', ...times].join('\n  ')
    const front = ['frontend front', `bind 127.0.0.1:${port}`, ...frontend.trim().split('\n'), 'default_backend hub']
    const back = ['backend hub', `server hub 127.0.0.1:${target}`].join('\n  ')
    writeFileSync(file, `${defaults}\n${front.map((line) => line.trim()).join('\n  ')}\n${back}\n`)
    return ['-db', '-f', file]
  })
}
