/** The list of mutations in flight on its own, without a board. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Pending } from '../../web/client/stores/mutation-queues.ts'
import { at } from './support/stub-hub.ts'

const add = (text: string) => (state: string) => state + text

describe('pending mutations', () => {
  test('[CB8] an answered one stays until the state includes its event', () => {
    const pending = new Pending<string>()
    const entry = pending.add(add('a'))
    expect(pending.applyTo('s', at(10))).toBe('sa')
    entry.confirm(at(12))
    expect(pending.applyTo('s', at(10))).toBe('sa')
    expect(pending.applyTo('s', at(11))).toBe('sa')
    expect(pending.applyTo('s', at(12))).toBe('s')
    expect(pending.isEmpty).toBe(true)
  })

  test('[CB8] one whose event comes before its answer is removed with the answer', () => {
    const pending = new Pending<string>()
    const entry = pending.add(add('a'))
    expect(pending.applyTo('s', at(12))).toBe('sa')
    entry.confirm(at(12))
    expect(pending.applyTo('s', at(12))).toBe('s')
  })

  test('[CB9] a refused one is removed, and the others keep their order', () => {
    const pending = new Pending<string>()
    const [, second] = [pending.add(add('a')), pending.add(add('b')), pending.add(add('c'))]
    second?.remove()
    expect(pending.applyTo('s', at(1))).toBe('sac')
    expect(pending.isEmpty).toBe(false)
  })

  test('[CB8] one that was answered by a database that has been replaced is removed', () => {
    const pending = new Pending<string>()
    pending.add(add('a')).confirm(at(12))
    expect(pending.applyTo('s', at(10))).toBe('sa')
    expect(pending.applyTo('s', at(3, 'ffffffff'))).toBe('s')
  })

  test('[CB8] in any order of answers and events, each shows until it is answered and its event was applied', () => {
    const steps = fc.array(fc.record({ answer: fc.nat(9), reach: fc.nat(12) }), { maxLength: 30 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), steps, (count, plan) => {
        const pending = new Pending<string>()
        const entries = Array.from({ length: count }, (_, n) => pending.add(add(String(n))))
        const answered = new Set<number>()
        let reached = 0
        for (const { answer, reach } of plan) {
          if (answer < count) {
            entries[answer]?.confirm(at(answer + 1))
            answered.add(answer)
          }
          reached = Math.max(reached, reach)
          const shown = entries.map((_, n) => n).filter((n) => !(answered.has(n) && n + 1 <= reached))
          expect(pending.applyTo('', at(reached))).toBe(shown.join(''))
        }
      }),
    )
  })
})
