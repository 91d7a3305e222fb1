/** Debian's nginx as a cache in front of a server, where it is installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'

/** For `describe.skipIf`: why these tests cannot run here; undefined if they can. */
export const nginxMissing =
  spawnSync('nginx', ['-v']).error === undefined ? undefined : 'nginx is not installed: apt-get install nginx'
if (nginxMissing) process.stderr.write(`Tests through nginx are skipped: ${nginxMissing}\n`)

export class CachingNginx implements AsyncDisposable {
  readonly url: string
  readonly #child: ChildProcess
  readonly #folder: string

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child
    this.#folder = folder
    this.url = url
  }

  /** `directives` stand in the location that passes everything on. */
  static async to(port: number, directives: string): Promise<CachingNginx> {
    const folder = mkdtempSync(join(tmpdir(), 'boardcast-nginx-'))
    const own = await freePort()
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log stderr;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/temp;
  fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  proxy_cache_path ${folder}/cache keys_zone=answers:1m;
  server {
    listen 127.0.0.1:${own};
    location / { proxy_pass http://127.0.0.1:${port}; proxy_http_version 1.1; proxy_set_header Connection ""; ${directives} }
  }
}`,
    )
    const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let output = ''
    child.stderr?.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    const url = `http://127.0.0.1:${own}`
    for (;;) {
      if (hasEnded(child)) throw new Error(`nginx ended: ${output}`)
      const answer = await fetch(`${url}/health/live`).catch(() => undefined)
      if (answer?.ok) return new CachingNginx(child, folder, url)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!hasEnded(this.#child)) {
      const ended = new Promise((resolve) => this.#child.once('exit', resolve))
      this.#child.kill()
      await ended
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** By itself or by a signal. */
function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}
