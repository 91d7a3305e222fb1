/** Mutations under way, without a board: the list alone. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Pending } from '../../web/client/stores/pending.ts'
import { at } from './support/stub-hub.ts'

const add = (text: string) => (state: string) => state + text

describe('pending mutations', () => {
  test('[CB8] an answered one stays until the state has reached its event', () => {
    const pending = new Pending<string>()
    pending.reached(at(10))
    const entry = pending.add(add('a'))
    expect(pending.applyTo('s')).toBe('sa')
    entry.confirm(at(12))
    expect(pending.applyTo('s')).toBe('sa')
    pending.reached(at(11))
    expect(pending.applyTo('s')).toBe('sa')
    pending.reached(at(12))
    expect(pending.applyTo('s')).toBe('s')
  })

  test('[CB8] one whose event came before its answer leaves with the answer', () => {
    const pending = new Pending<string>()
    const entry = pending.add(add('a'))
    pending.reached(at(12))
    expect(pending.applyTo('s')).toBe('sa')
    entry.confirm(at(12))
    expect(pending.applyTo('s')).toBe('s')
  })

  test('[CB9] a refused one is gone, and the others stay in their order', () => {
    const pending = new Pending<string>()
    const [, second] = [pending.add(add('a')), pending.add(add('b')), pending.add(add('c'))]
    second?.remove()
    expect(pending.applyTo('s')).toBe('sac')
    expect(pending.unanswered).toBe(2)
  })

  test('[CB8] what was answered by a database that is gone leaves with it', () => {
    const pending = new Pending<string>()
    pending.reached(at(10))
    pending.add(add('a')).confirm(at(12))
    pending.reached(at(3, 'ffffffff'))
    expect(pending.applyTo('s')).toBe('s')
  })

  test('[CB8] in any order of answers and events, each shows until it is both answered and reached, and not after', () => {
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
          pending.reached(at(reached))
          const shown = entries.map((_, n) => n).filter((n) => !(answered.has(n) && n + 1 <= reached))
          expect(pending.applyTo('')).toBe(shown.join(''))
        }
      }),
    )
  })
})
