/** Whom limits count for, and how many are remembered. Rule HA14 of docs/security.md. */
import { expect, it } from 'vitest'
import { ANYBODY } from '../../src/auth/subject.ts'
import { createClientLimits } from '../../src/http/client-limits.ts'

it('[HA14] 20,000 clients are remembered, and no more', () => {
  const settings = { host: '127.0.0.1', trustedProxies: [], rateMutations: 0.001, rateBurst: 1 }
  const limits = createClientLimits(settings, true)
  const spend = (n: number) => limits.spendMutation({ ...ANYBODY, id: `sub:${n}` }, '')
  for (let n = 0; n < 20_000; n++) spend(n)
  expect(() => spend(0)).toThrow('At most 0.001 changes a second')
  // 0 was seen last: these two take the places of 1 and 2.
  for (const n of [20_000, 20_001]) spend(n)
  expect(() => spend(0)).toThrow('At most 0.001 changes a second')
  for (const n of [1, 2]) spend(n)
})
