import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonLine } from '../../src/base/json.ts'
import { toEvent } from '../../src/db/log-event.ts'

const text = fc.string({
  unit: fc.constantFrom('\u0085', '\u2028', '\u2029', '\n', '\v', '\x1c', '"', '\\', 'ä', '😀', 'a'),
})
// biome-ignore lint/suspicious/noControlCharactersInRegex: these must not be sent.
const LINE_ENDS = /[\n\v\f\r\x1c-\x1e\u0085\u2028\u2029]/

describe('JSON on one line', () => {
  it('[S15] has these bytes', () => {
    expect(jsonLine({ text: 'a\u0085b\u2028c\u2029d\v' })).toBe('{"text":"a\\u0085b\\u2028c\\u2029d\\u000b"}')
  })

  it('[S8] [S15] parses to the original value, whatever text it holds', () => {
    fc.assert(
      fc.property(fc.dictionary(text, text), (value) => {
        const line = jsonLine(value)
        expect(line).not.toMatch(LINE_ENDS)
        expect(JSON.parse(line)).toEqual({ ...value })
      }),
    )
  })

  it('[S15] of an event that was stored with separators is cut at the right place', () => {
    fc.assert(
      fc.property(text, text, (about, shown) => {
        const head = JSON.stringify({ about }).slice(0, -1)
        const stored = toEvent([1, 'x', 1, `${head},${JSON.stringify({ shown }).slice(1)}`, head.length + 1, null])
        expect(stored.data).toBe(jsonLine({ about, shown }))
        expect(stored.bare).toBe(jsonLine({ shown }))
        expect(stored.payload).toEqual({ about, shown })
      }),
    )
  })
})
