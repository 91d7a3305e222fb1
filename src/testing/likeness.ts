import { expect } from 'vitest'
import type { Likeness } from './pattern.ts'

const NAME = 'boardcastMatchesObject'

/** vitest passes its own comparison to matchers only, so this is one. It has no type: nobody but `likeness` uses it. */
expect.extend({
  [NAME](value: unknown, expected: unknown) {
    const { iterableEquality, subsetEquality } = this.utils
    return {
      pass: this.equals(value, expected, [...this.customTesters, iterableEquality, subsetEquality]),
      message: () => NAME,
    }
  },
})

/** As `toMatchObject` compares. As an asymmetric matcher, it is not counted as an assertion of the test. */
export const likeness: Likeness = (value, expected) => {
  const matchers = expect as unknown as Readonly<Record<string, (expected: unknown) => Asymmetric>>
  return matchers[NAME]?.(expected).asymmetricMatch(value) ?? false
}

interface Asymmetric {
  asymmetricMatch(value: unknown): boolean
}
