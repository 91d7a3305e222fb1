/**
 * The doctor in front of a proxy that is configured badly on purpose: each cause is named, and the line that it prints, applied
 * to that very configuration, makes the probe succeed. The files of tests are one for each proxy.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { examined, type Findings, inTurn, named } from '../support/doctor.ts'
import { freePorts } from '../support/free-port.ts'
import { isOnPath, type RunningProxy } from '../support/proxy-process.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { startServerWithRights, tokenFor } from '../support/tokens.ts'
import { type BadProxy, badLines, type Fault, withFix } from './faults.ts'

/** Examinations that run at once. */
const AT_ONCE = 6

export function describeBadProxy(bad: BadProxy): void {
  let open: TestServer
  let slow: TestServer
  let guarded: TestServer
  let token: string
  beforeAll(async () => {
    open = await startTestServer({ heartbeatMs: 400 })
    slow = await startTestServer({ heartbeatMs: 2_000 })
    guarded = await startServerWithRights({ heartbeatMs: 400 })
    token = await tokenFor(['topic:doctor:*'])
  })
  afterAll(async () => {
    for (const server of [open, slow, guarded]) await server?.[Symbol.asyncDispose]()
  })

  function portOf({ withRights, isSlow }: Fault): number {
    return (withRights ? guarded : isSlow ? slow : open).port
  }

  const { name, program, faults } = bad
  const isInstalled = isOnPath(program)
  if (!isInstalled) process.stderr.write(`skipped: ${name} (${program}) is not installed\n`)

  describe.skipIf(!isInstalled)(name, () => {
    const proxies: RunningProxy[] = []
    let before: Findings[]
    let after: Findings[]

    /** What the doctor finds with each of these configurations. */
    async function findingsWith(configurations: readonly (readonly string[])[]): Promise<Findings[]> {
      const ports = await freePorts(configurations.length)
      const portAt = (at: number) => ports[at] ?? 0
      proxies.push(await bad.start(configurations.map((lines, at) => ({ lines, port: portAt(at) }))))
      return inTurn(AT_ONCE, faults, ({ withRights }, at) =>
        examined(`http://127.0.0.1:${portAt(at)}`, withRights ? token : undefined),
      )
    }

    beforeAll(async () => {
      const wrong = faults.map((fault) => badLines(bad, fault, portOf(fault)))
      before = await findingsWith(wrong)
      const printed = faults.map(({ probe }, at) => before[at]?.[probe]?.fix ?? '')
      after = await findingsWith(wrong.map((lines, at) => withFix(bad, printed[at] ?? '', lines)))
    }, 120_000)
    afterAll(() => Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]())))

    test.each(faults.map((fault, at) => [fault.name, fault, at] as const))('[CMD35a] [CMD35b] %s', (_, fault, at) => {
      const findings = before[at] ?? {}
      const verdict = fault.verdict ?? 'fail'
      expect({ fail: named(findings, 'fail'), warn: named(findings, 'warn') }).toEqual({
        ...{ fail: [], warn: [] },
        [verdict]: [fault.probe],
      })
      expect(findings[fault.probe]?.culprit).toMatch(fault.culprit)
      expect(findings[fault.probe]?.fix).toBe(fault.fix)
      const fixed = after[at] ?? {}
      expect({ fail: named(fixed, 'fail'), probe: fixed[fault.probe] }).toMatchObject({
        fail: [],
        probe: { verdict: 'ok' },
      })
    })
  })
}
