/** Text that PostgreSQL cannot hold. Rule PS3 of docs/store.md. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeText, encodeText } from '../../src/db/postgres/text.ts'

const text = fc.string({ unit: fc.constantFrom('\0', '\x01', '\x02', 'a', 'é', '😀') })

test('[PS3] any text comes back as it was, and is stored without NUL', () => {
  fc.assert(
    fc.property(text, (given) => {
      const stored = encodeText(given)
      expect(stored).not.toContain('\0')
      expect(decodeText(stored)).toBe(given)
    }),
  )
})

test('[PS3] stored texts have the order of the texts', () => {
  const compare = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))
  fc.assert(
    fc.property(text, text, (a, b) => {
      expect(compare(encodeText(a), encodeText(b))).toBe(compare(a, b))
    }),
  )
})
