// RUN1  The lines of a stream depend only on its bytes, never on its chunks.
// RUN2  A line above the limit becomes several messages, each as long as fits, cut between characters.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createLineSplitter } from '../../src/cli/run/line-splitter.ts'

const newline = Buffer.from('\n')
const awkward = fc.oneof(
  fc.constantFrom('\n', '\r', '\r\n', '\r\r\n', '', '\u0000', '\u001b[31m', '\ufeff').map((text) => Buffer.from(text)),
  fc.constantFrom('é', '€', '👩‍👩‍👧', '𝄞', 'ab', 'abcdefgh').map((text) => Buffer.from(text)),
  fc
    .constantFrom([0xf0], [0xf0, 0x9f], [0xe2, 0x82], [0x80], [0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80])
    .map((b) => Buffer.from(b)),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
)
const anyBytes = fc.array(awkward, { maxLength: 40 }).map((parts) => Buffer.concat(parts))
const anyCuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 })

test('[RUN1] any bytes, cut anywhere, give the lines of the whole', () => {
  fc.assert(
    fc.property(anyBytes, anyCuts, fc.integer({ min: 4, max: 24 }), (bytes, cuts, maxBytes) => {
      expect(split(chunks(bytes, cuts), maxBytes)).toEqual(linesOf(bytes, maxBytes))
    }),
    { numRuns: 2_000 },
  )
})

test('[RUN1] one byte at a time gives the lines of the whole', () => {
  fc.assert(
    fc.property(anyBytes, fc.integer({ min: 4, max: 24 }), (bytes, maxBytes) => {
      expect(
        split(
          Array.from(bytes, (byte) => Uint8Array.of(byte)),
          maxBytes,
        ),
      ).toEqual(linesOf(bytes, maxBytes))
    }),
  )
})

test.each([
  ['a\nb\n', ['a', 'b']],
  ['a\r\nb', ['a', 'b']],
  ['a\r\r\n', ['a\r']],
  ['10 %\r20 %\r30 %\n', ['10 %\r20 %\r30 %']],
  ['\n\n', ['', '']],
  ['', []],
  ['no newline', ['no newline']],
  ['\ufeffmark\n', ['\ufeffmark']],
  ['nul \u0000 stays\n', ['nul \u0000 stays']],
])('[RUN1] %j is %j', (text, lines) => {
  expect(split([Buffer.from(text)])).toEqual(lines)
})

test('[RUN2] a line of exactly 64 KiB is one message, one byte more makes two', () => {
  const full = 'x'.repeat(65_536)
  expect(split([Buffer.from(full), newline])).toEqual([full])
  expect(split([Buffer.from(`${full}\r`), newline])).toEqual([full])
  expect(split([Buffer.from(`${full}y`), newline])).toEqual([full, 'y'])
})

test('[RUN2] a cut never falls inside a character', () => {
  const lines = split([Buffer.from(`x${'👩'.repeat(20_000)}`), newline])
  expect(lines.map((line) => Buffer.byteLength(line))).toEqual([65_533, 14_468])
  expect(lines.join('')).toBe(`x${'👩'.repeat(20_000)}`)
})

test('[RUN2] a line without an end is emitted in pieces, so that it is never buffered whole', () => {
  const splitter = createLineSplitter()
  const early = Array.from({ length: 64 }, () => splitter.push(Buffer.alloc(65_536, 'z'))).flat()
  expect(early).toHaveLength(63)
  expect(early.concat(splitter.end()).join('')).toHaveLength(64 * 65_536)
})

function split(parts: readonly Uint8Array[], maxBytes?: number): string[] {
  const splitter = createLineSplitter(maxBytes)
  return [...parts.flatMap((part) => splitter.push(part)), ...splitter.end()]
}

function chunks(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = cuts.map((cut) => Math.round(cut * bytes.length)).sort((a, b) => a - b)
  return [...places, bytes.length].map((end, at) => bytes.subarray(at === 0 ? 0 : places[at - 1], end))
}

/** A slow reference implementation that works on the whole text. */
function linesOf(bytes: Buffer, maxBytes: number): string[] {
  const segments = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes).split('\n')
  if (segments.at(-1) === '') segments.pop()
  return segments.flatMap((segment) => {
    const pieces = ['']
    for (const character of segment.replace(/\r$/, '')) {
      const grown = `${pieces.at(-1)}${character}`
      if (Buffer.byteLength(grown) <= maxBytes) pieces.splice(-1, 1, grown)
      else pieces.push(character)
    }
    return pieces
  })
}
