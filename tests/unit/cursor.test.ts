import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compareCursors, formatCursor, parseCursor } from '../../shared/src/cursor.ts'

const epoch = fc.stringMatching(/^[0-9a-f]{8}$/)
const seq = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })

describe('cursors', () => {
  it('[I1] are written as epoch, hyphen and decimal position', () => {
    expect(formatCursor('5d3c9b1e', 4711)).toBe('5d3c9b1e-4711')
    expect(parseCursor('5d3c9b1e-4711')).toEqual({ epoch: '5d3c9b1e', seq: 4711 })
    expect(parseCursor('00000000-0')).toEqual({ epoch: '00000000', seq: 0 })
  })

  it('[I1] are parsed to what was formatted', () => {
    fc.assert(
      fc.property(fc.record({ epoch, seq }), (cursor) => {
        expect(parseCursor(formatCursor(cursor.epoch, cursor.seq))).toEqual(cursor)
      }),
    )
  })

  it.each([
    '',
    'now',
    '17',
    '5d3c9b1e',
    '5d3c9b1e-',
    '5d3c9b1e--1',
    '5d3c9b1e-+1',
    '5d3c9b1e-01',
    '5d3c9b1e-1.0',
    '5d3c9b1e-1e3',
    '5D3C9B1E-1',
    '5d3c9b1-1',
    '5d3c9b1e1-1',
    ' 5d3c9b1e-1',
    '5d3c9b1e-1\n',
    '5d3c9b1e-9007199254740992',
    '5d3c9b1e-99999999999999999999',
    '5d3c9b1e-١',
  ])('[R11] %j is none', (text) => {
    expect(parseCursor(text)).toBeNull()
  })

  it('[I1] no other text is parsed', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const cursor = parseCursor(text)
        if (cursor) expect(formatCursor(cursor.epoch, cursor.seq)).toBe(text)
      }),
    )
  })

  it('[I2] of two epochs cannot be compared; within an epoch they compare by position', () => {
    expect(compareCursors({ epoch: 'aaaaaaaa', seq: 1 }, { epoch: 'bbbbbbbb', seq: 1 })).toBeNull()
    expect(compareCursors({ epoch: 'aaaaaaaa', seq: 9 }, { epoch: 'aaaaaaaa', seq: 10 })).toBeLessThan(0)
    expect(compareCursors({ epoch: 'aaaaaaaa', seq: 10 }, { epoch: 'aaaaaaaa', seq: 9 })).toBeGreaterThan(0)
    expect(compareCursors({ epoch: 'aaaaaaaa', seq: 7 }, { epoch: 'aaaaaaaa', seq: 7 })).toBe(0)
  })
})
