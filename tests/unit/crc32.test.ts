import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { combineCrc32 } from '../../src/sse/wire/crc32.ts'

const bytes = fc.uint8Array({ maxLength: 2_000 })

describe('combined checksums', () => {
  it('[Z3] of two texts is the checksum of their concatenation', () => {
    fc.assert(
      fc.property(bytes, bytes, (first, second) => {
        expect(combineCrc32(crc32(first), crc32(second), second.length)).toBe(crc32(Buffer.concat([first, second])))
      }),
    )
  })

  it('[Z3] of many texts of any lengths', () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 30 }), (texts) => {
        const combined = texts.reduce((sum, text) => combineCrc32(sum, crc32(text), text.length), 0)
        expect(combined).toBe(crc32(Buffer.concat(texts)))
      }),
    )
  })

  it('[Z3] of texts longer than 2^24 bytes', () => {
    const long = Buffer.alloc(2 ** 24 + 3, 'boardcast')
    expect(combineCrc32(crc32('before'), crc32(long), long.length)).toBe(crc32(long, crc32('before')))
  })

  it('[Z3] matches published values', () => {
    // The check value of CRC-32, the checksum of "123456789".
    expect(combineCrc32(crc32('12345'), crc32('6789'), 4)).toBe(0xcbf43926)
  })
})
