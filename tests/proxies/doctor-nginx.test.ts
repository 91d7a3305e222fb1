import { expect, test } from 'vitest'
import { missing, startNginx } from '../support/debian-proxy.ts'
import { examined, named } from '../support/doctor.ts'
import { startTestServer } from '../support/server.ts'
import { BAD_NGINX } from './bad-nginx.ts'
import { describeBadProxy } from './bad-proxy-suite.ts'

describeBadProxy(BAD_NGINX)

test.skipIf(missing('nginx').length > 0)(
  '[CMD35a] causes that have nothing to do with each other are all named',
  async () => {
    await using server = await startTestServer({ heartbeatMs: 300 })
    const pass = `proxy_pass http://127.0.0.1:${server.port};`
    // What many begin with.
    await using bare = await startNginx(() => ({ server: `location / { ${pass} }` }))
    const { headers, websocket, ...others } = await examined(bare.url)
    expect([headers?.verdict, websocket?.verdict]).toEqual(['fail', 'fail'])
    for (const finding of Object.values(others)) expect(finding.verdict).toBe('ok')
    await using fixed = await startNginx(() => ({
      server: `location / { ${pass} ${headers?.fix} ${websocket?.fix} }`,
    }))
    expect(named(await examined(fixed.url), 'ok')).toHaveLength(11)
  },
)
