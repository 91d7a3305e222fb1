/** The doctor over TLS and under a path, as clients of a public address go. Rules CMD34c and CMD35a of docs/cli.md. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PROBES } from '../../src/cli/doctor/findings/finding.ts'
import { boardcast } from '../cli/support/program.ts'
import { missing, startNginx } from '../support/debian-proxy.ts'
import { startTestServer } from '../support/server.ts'

const lacking = missing('nginx', 'openssl')
if (lacking.length > 0) process.stderr.write(`skipped: ${lacking.join(' and ')} not installed\n`)

test.skipIf(lacking.length > 0)(
  '[CMD34c] [CMD35a] over TLS and under a path all is well, if the certificate is',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'boardcast-doctor-tls-'))
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', certificate, ...subject], {
      stdio: 'ignore',
    })
    await using server = await startTestServer({ heartbeatMs: 300 })
    await using proxy = await startNginx(() => ({
      http: "map $http_upgrade $connection_upgrade { default upgrade; '' ''; }",
      server: `ssl_certificate ${certificate}; ssl_certificate_key ${key};
      proxy_http_version 1.1; proxy_set_header Host $http_host; proxy_buffering off;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
      location /tools/board/ { proxy_pass http://127.0.0.1:${server.port}/; }
      location / { return 404; }`,
      listen: 'ssl',
    }))
    const base = `https://127.0.0.1:${proxy.port}`
    const run = async (url: string, env: Record<string, string> = {}) => {
      const program = boardcast(['doctor', url], { HOME: folder, ...env })
      const code = await program.ended
      const lines = program.stdout().toString().trimEnd().split('\n')
      return { code, lines: lines.map((line) => JSON.parse(line)), stderr: program.stderr() }
    }
    const trusted = { NODE_EXTRA_CA_CERTS: certificate }
    const [good, distrusted, elsewhere, plain] = await Promise.all([
      run(`${base}/tools/board/`, trusted),
      run(`${base}/tools/board`),
      run(base, trusted),
      run(`https://127.0.0.1:${server.port}`),
    ])
    expect(good.lines.map(({ verdict }) => verdict)).toEqual(PROBES.map(() => 'ok'))
    expect(good.code).toBe(0)
    expect([distrusted.code, distrusted.lines[0].culprit]).toEqual([1, expect.stringContaining('is not accepted')])
    expect([elsewhere.code, elsewhere.lines[0].fix]).toEqual([1, expect.stringContaining('the path under which')])
    expect([plain.code, plain.stderr]).toEqual([5, expect.stringContaining('does not use TLS')])
    rmSync(folder, { recursive: true })
  },
)
