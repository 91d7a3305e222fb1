import { gunzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { acceptsGzip } from '../../src/sse/wire/accept-encoding.ts'
import { GZIP_HEADER, GZIP_NOTHING, gzipAppend, gzipBlock, gzipTrailer } from '../../src/sse/wire/gzip.ts'

function compress(texts: readonly Buffer[]): Buffer {
  const parts: Buffer[] = [GZIP_HEADER]
  let sent = GZIP_NOTHING
  for (const text of texts) {
    const { block, plain } = gzipBlock(text)
    parts.push(block)
    sent = gzipAppend(sent, plain)
  }
  return Buffer.concat([...parts, gzipTrailer(sent)])
}

describe('shared compression', () => {
  it('[Z3] any sequence of blocks is a valid gzip member', () => {
    // Around the length below which blocks are stored, and around the capacity of a stored block.
    const text = fc
      .tuple(fc.constantFrom(0, 1, 255, 256, 257, 4_000, 65_535, 65_536, 200_000), fc.integer({ min: 1, max: 255 }))
      .map(([length, step]) => Buffer.from(Array.from({ length }, (_, i) => (i * i * step) % 256)))
    fc.assert(
      fc.property(fc.array(text, { maxLength: 6 }), (texts) => {
        expect(gunzipSync(compress(texts)).equals(Buffer.concat(texts))).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('[Z3] the blocks of one connection decode in the order of another', () => {
    const blocks = ['a'.repeat(500), 'b'.repeat(100), 'a'.repeat(500)].map((text) => Buffer.from(text))
    expect(gunzipSync(compress(blocks)).toString()).toBe(Buffer.concat(blocks).toString())
    expect(gunzipSync(compress(blocks.slice(1))).toString()).toBe(Buffer.concat(blocks.slice(1)).toString())
  })

  it('[Z3] exact bytes: header, a stored block, an empty one, the last block, checksum and length', () => {
    const hex = compress([Buffer.from('abc')]).toString('hex')
    expect(hex).toBe(
      ['1f8b08000000000000ff', '000300fcff', '616263', '000000ffff', '0300', 'c2412435', '03000000'].join(''),
    )
  })

  it('[Z3] the length is modulo 2^32', () => {
    expect(gzipTrailer({ crc: 0xdeadbeef, length: 2 ** 32 + 5 }).toString('hex')).toBe('0300efbeadde05000000')
  })

  it('[Z4] stores 255 bytes and compresses 256', () => {
    expect(gzipBlock(Buffer.alloc(255, 'a')).block).toEqual(
      Buffer.concat([Buffer.from('00ff0000ff', 'hex'), Buffer.alloc(255, 'a'), Buffer.from('000000ffff', 'hex')]),
    )
    expect(gzipBlock(Buffer.alloc(256, 'a')).block.length).toBeLessThan(30)
  })

  it.each([0, 1, 255, 256, 70_000])('[Z2] of %d bytes end with an empty stored block', (length) => {
    expect(gzipBlock(Buffer.alloc(length, 'a')).block.subarray(-4).toString('hex')).toBe('0000ffff')
  })

  it('[Z4] compresses repetitive text', () => {
    const text = Buffer.from(
      JSON.stringify(Array.from({ length: 200 }, (_, n) => ({ id: n, title: 'A card', blocked: false }))),
    )
    expect(gzipBlock(text).block.length).toBeLessThan(text.length / 5)
  })
})

describe('Accept-Encoding', () => {
  it.each([
    'gzip',
    'GZIP',
    'deflate, gzip',
    'gzip;q=0.1',
    'gzip; q=1.0',
    '*',
    '*;q=0.5',
    'br, *;q=0.1',
    'identity;q=0, gzip',
  ])('[Z1] %j allows gzip', (header) => expect(acceptsGzip(header)).toBe(true))
  it.each([
    undefined,
    '',
    'identity',
    'br',
    'gzip;q=0',
    'gzip;q=0.0',
    'gzip ; q=0, *',
    '*;q=0',
    'xgzip',
    'gzip;q=much',
  ])('[Z1] %j does not', (header) => expect(acceptsGzip(header)).toBe(false))
})
