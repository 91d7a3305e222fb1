import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTypeFilter } from '../../shared/src/type-filter.ts'

describe('types', () => {
  it('[Q5] passes only the given names', () => {
    const filter = parseTypeFilter('attempt_log, state')
    expect(filter.passes('attempt_log')).toBe(true)
    expect(filter.passes('state')).toBe(true)
    expect(filter.passes('attempt_logs')).toBe(false)
    expect(filter.passes('attempt_lo')).toBe(false)
    expect(filter.passes('')).toBe(false)
  })

  it.each([undefined, '', ',', ' , ', '*', 'state,*'])('[Q5] %j filters nothing', (text) => {
    const filter = parseTypeFilter(text)
    expect(filter.passes('anything')).toBe(true)
    expect(filter.key).toBe(parseTypeFilter(undefined).key)
  })

  it('[Q6] a star at the end stands for any ending, and only there', () => {
    const filter = parseTypeFilter('card_*,git*,a*b')
    for (const name of ['card_moved', 'card_', 'git', 'git_push', 'a*b']) expect(filter.passes(name)).toBe(true)
    for (const name of ['card', 'column_created', 'axb', 'ab']) expect(filter.passes(name)).toBe(false)
  })

  it('[Q6] a dot matches only a dot', () => {
    expect(parseTypeFilter('card.*').passes('card_moved')).toBe(false)
    expect(parseTypeFilter('card.*').passes('card.moved')).toBe(true)
  })

  it('[Q5] filters of equal keys pass the same names, in whatever order they were given', () => {
    const names = fc.array(fc.constantFrom('a', 'b', 'ab', 'a*', 'b*', 'ab*', ''), { maxLength: 4 })
    fc.assert(
      fc.property(names, names, fc.constantFrom('a', 'b', 'ab', 'abc', 'ba', 'c'), (one, other, name) => {
        const [first, second] = [parseTypeFilter(one.join(',')), parseTypeFilter(other.join(','))]
        if (first.key === second.key) expect(first.passes(name)).toBe(second.passes(name))
        expect(parseTypeFilter([...one].reverse().join(',')).key).toBe(first.key)
      }),
    )
  })
})
