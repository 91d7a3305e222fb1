/** The doctor in front of the proxies of the documents, each with the file that is shown there: nothing is in the way. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { examined, named } from '../support/doctor.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { isInstalled, PROXIES, startProxy } from './programs.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ heartbeatMs: 400 })
})
afterAll(() => server?.[Symbol.asyncDispose]())

for (const kind of PROXIES) {
  test.skipIf(!isInstalled(kind))(`[CMD35a] behind ${kind.name}, as documented, no probe fails`, async () => {
    await using proxy = await startProxy(kind, server.port)
    const findings = await examined(proxy.url)
    expect(named(findings, 'fail').map((probe) => [probe, findings])).toEqual([])
    expect(named(findings, 'skip')).toEqual([])
  })
}
