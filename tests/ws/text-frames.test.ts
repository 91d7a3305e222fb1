/** Frames that the server sends, byte by byte (RFC 6455, 5.2 and 5.7). */
import { expect, it } from 'vitest'
import { PING, pongFrame, textFrames } from '../../src/ws/text-frames.ts'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

it.each([
  ['no text', '', '8100'],
  ['the example of the RFC', 'Hello', '810548656c6c6f'],
  ['two bytes a character', 'é', '8102c3a9'],
  ['three bytes a character', '€', '8103e282ac'],
  ['four bytes a character', '🚀', '8104f09f9a80'],
  ['what JSON has instead of control characters', '"\\u0000"', '8108225c753030303022'],
])('[W7] a frame has %s', (_, text, expected) => {
  expect(hex(textFrames([text]))).toBe(expected)
})

it.each([
  [125, '817d'],
  [126, '817e007e'],
  [65_535, '817effff'],
  [65_536, '817f0000000000010000'],
  [70_000, '817f0000000000011170'],
])('[W7] a text of %i bytes has its length before it', (length, head) => {
  const frame = textFrames(['x'.repeat(length)])
  expect(hex(frame.subarray(0, frame.length - length))).toBe(head)
  expect(String(frame.subarray(-length))).toBe('x'.repeat(length))
})

it.each([
  [31, '817c'],
  [32, '817e0080'],
  [16_383, '817efffc'],
  [16_384, '817f0000000000010000'],
])('[W7] the length counts bytes: %i rockets', (count, head) => {
  const frame = textFrames(['🚀'.repeat(count)])
  expect(hex(frame.subarray(0, frame.length - 4 * count))).toBe(head)
  expect(hex(frame.subarray(-8))).toBe('f09f9a80f09f9a80')
})

it('[W7] the frames of a turn are one buffer, in their order', () => {
  expect(hex(textFrames(['a', '🚀', '', 'b'.repeat(126)]))).toBe(
    `810161${'8104f09f9a80'}${'8100'}817e007e${'62'.repeat(126)}`,
  )
  expect(hex(textFrames([]))).toBe('')
})

it('[W54] pings are empty, and pongs have the payload of the ping', () => {
  expect(hex(PING)).toBe('8900')
  expect(hex(pongFrame(Buffer.from('Hello')))).toBe('8a0548656c6c6f')
  expect(hex(pongFrame(Buffer.alloc(125, 0x7a)))).toBe(`8a7d${'7a'.repeat(125)}`)
})
