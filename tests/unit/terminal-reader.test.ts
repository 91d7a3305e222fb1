/**
 * The text that a terminal would show of a log.
 *
 * AN1  Every escape sequence is consumed whole and leaves nothing in the text.
 * AN2  The text does not depend on how it was split; a sequence split at a line end continues in the next line, except strings.
 * AN3  Styles: 16, 256 and 24-bit colours, bold, dim, italic, underline, inverse; a style stays on in the next line.
 * AN4  A carriage return overwrites, and so do cursor moves within the line.
 * AN5  Other control characters appear in caret notation.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test as property } from '@fast-check/vitest'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LineTexts } from '../../web/client/terminal/line-texts.ts'
import { type Span, TerminalReader } from '../../web/client/terminal/reader.ts'

const read = (line: string) => new TerminalReader().readLine(line)
const textOf = (spans: readonly Span[]) => spans.map(({ text }) => text).join('')
const linesOf = (...lines: string[]) => {
  const reader = new TerminalReader()
  return lines.map((line) => textOf(reader.readLine(line)))
}

describe('AN1', () => {
  test.each([
    ['colours', 'a\x1b[1;31mb\x1b[0mc'],
    ['an empty reset', 'a\x1b[mb\x1b[0mc'],
    ['sgr0 of xterm', 'a\x1b(B\x1b[mbc'],
    ['sgr0 of screen and linux', 'a\x1b[m\x0fbc'],
    ['charsets', 'a\x1b)0b\x1b*B\x1b+A\x1b%Gc'],
    ['charset shifts', 'a\x0eb\x0fc'],
    ['save and restore', '\x1b7a\x1b8bc'],
    ['reset', 'ab\x1bcc'],
    ['keypad modes', 'a\x1b=b\x1b>c'],
    ['screen alignment', 'a\x1b#8bc'],
    ['cursor moves', 'a\x1b[2;5Hb\x1b[3A\x1b[B\x1b[6nc'],
    ['a title with BEL', 'a\x1b]0;title\x07bc'],
    ['a title with ST', 'a\x1b]0;title\x1b\\bc'],
    ['a title of screen', 'a\x1bktitle\x1b\\bc'],
    ['a link', '\x1b]8;;https://example.com\x1b\\ab\x1b]8;;\x1b\\c'],
    ['a string with text beyond ASCII', 'a\x1b]0;žluť 🐎\x07bc'],
    ['DCS', 'a\x1bPq#0;2;0;0;0#0~~@@vv\x1b\\bc'],
    ['DCS of tmux', 'a\x1bPtmux;\x1b\x1b]0;title\x07\x1b\\bc'],
    ['APC', 'a\x1b_Gf=24,s=10;AAAA\x1b\\bc'],
    ['PM', 'a\x1b^secret\x1b\\bc'],
    ['SOS', 'a\x1bXsecret\x1b\\bc'],
    ['SS2 and SS3', 'a\x1bNb\x1bOc'],
    ['8-bit CSI', 'a\x9b31mb\x9bmc'],
    ['8-bit OSC', 'a\x9d0;title\x9cb\x9d2;t\x07c'],
    ['8-bit DCS, APC, PM, SOS', 'a\x90q\x9c\x9fG\x9cb\x9ep\x9c\x98s\x9cc'],
    ['8-bit SS2, SS3, IND, NEL, RI', 'a\x8eb\x8f\x84\x85\x8dc'],
    ['a lone ST', 'a\x1b\\b\x9cc'],
    ['private modes', '\x1b[?25la\x1b[?1049hb\x1b[?2004l\x1b[>4;2m\x1b[!pc'],
    ['intermediate bytes', 'a\x1b[2 qb\x1b["pc'],
    ['a sequence in a sequence', 'a\x1b[3\x1b[31mbc'],
    ['a cancelled sequence', 'a\x1b[3\x18b\x1b]0;\x1ac'],
    ['a colour of 256, of 24 bits, of an underline', 'a\x1b[38;5;196mb\x1b[48;2;1;2;3m\x1b[58;5;1m\x1b[58:2::1:2:3mc'],
    ['very long parameters', `a\x1b[${'1;'.repeat(5_000)}mbc`],
  ])('[AN1] %s', (_, line) => {
    expect(textOf(read(line))).toBe('abc')
  })

  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(
        '\x1b',
        '\x1b[',
        '\x1b]',
        '\x1bP',
        '\x1b(',
        '\x9b',
        '\x9d',
        '\x90',
        '\x9c',
        '\x1b\\',
        '\x07',
        '\r',
        '\n',
      ),
      fc.constantFrom('31', '38;5;9', '38:2::1:2:3', '48;2;', 'm', 'K', '2K', 'G', '3C', '2D', 'B', ';', '0'),
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.string({ unit: fc.integer({ min: 0, max: 0xff }).map((code) => String.fromCharCode(code)), maxLength: 5 }),
    ),
    { maxLength: 30 },
  )

  property.prop(
    [
      fc.array(
        pieces.map((parts) => parts.join('')),
        { maxLength: 5 },
      ),
    ],
    { numRuns: 2_000 },
  )('[AN1] no control character but line end and tab is ever in the text', (lines) => {
    const reader = new TerminalReader()
    for (const line of lines) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the test looks for them
      expect(textOf(reader.readLine(line))).not.toMatch(/[\0-\x08\x0b-\x1f\x7f-\x9f]/)
    }
  })

  property.prop([pieces, fc.array(fc.nat(), { maxLength: 4 })], { numRuns: 2_000 })(
    '[AN2] however a line is split, its text and styles are the same',
    (parts, cuts) => {
      const line = parts.join('')
      const reader = new TerminalReader()
      const places = cuts.map((cut) => cut % (line.length + 1)).sort((one, other) => one - other)
      let from = 0
      for (const place of [...places, line.length]) {
        reader.write(line.slice(from, place))
        from = place
      }
      expect(reader.endLine()).toEqual(read(line))
    },
  )

  property.prop([fc.string({ unit: 'grapheme' })])('[AN1] text without control characters is as it was', (text) => {
    expect(textOf(read(text))).toBe(text)
  })

  // The terminal database comes with ncurses.
  const terminals = ['xterm', 'xterm-256color', 'screen', 'linux', 'vt100', 'tmux-256color', 'rxvt'].filter(
    (name) => existsSync('/usr/bin/tput') && has(name),
  )
  test.skipIf(terminals.length === 0)(
    '[AN1] the output of `tput` for real terminals leaves nothing (skipped without tput)',
    () => {
      for (const terminal of terminals) {
        const tput = (...words: string[]) => execFileSync('tput', ['-T', terminal, ...words], { encoding: 'latin1' })
        for (const name of [
          'bold',
          'smul',
          'rmul',
          'rev',
          'sgr0',
          'smso',
          'rmso',
          'clear',
          'civis',
          'cnorm',
          'smcup',
          'rmcup',
        ]) {
          expect([terminal, name, textOf(read(`a${tputOr(tput, name)}b`))]).toEqual([terminal, name, 'ab'])
        }
        expect(textOf(read(`a${tputOr(tput, 'setaf', '1')}b${tputOr(tput, 'sgr0')}`))).toBe('ab')
      }
    },
  )
})

describe('AN2', () => {
  test('[AN2] a sequence that is split at the end of a line continues in the next', () => {
    expect(linesOf('a\x1b', '[31mb', 'c\x1b[3', '1md', 'e\x1b(', 'Bf')).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test.each([
    ['OSC', '\x1b]0;title'],
    ['DCS', '\x1bPq'],
    ['8-bit APC', '\x9fG'],
  ])('[AN2] %s that nobody ends, ends with its line', (_, start) => {
    expect(linesOf(`a${start} and more`, 'next', 'last')).toEqual(['a', 'next', 'last'])
    expect(linesOf(`a${start} and more\nnext`)).toEqual(['a\nnext'])
  })

  test('[AN2] half of a surrogate pair is not a character', () => {
    const reader = new TerminalReader()
    reader.write('\ud83d')
    reader.write('\udc34\rx')
    expect(reader.endLine()).toEqual([{ text: 'x', look: {} }])
  })
})

describe('AN3', () => {
  const lookOf = (codes: string) => read(`\x1b[${codes}mx`)[0]?.look

  test.each([
    ['31', { foreground: 1 }],
    ['97', { foreground: 15 }],
    ['42', { background: 2 }],
    ['105', { background: 13 }],
    ['1;2;3;4;7', { bold: true, dim: true, italic: true, underline: true, inverse: true }],
    ['38;5;9', { foreground: 9 }],
    ['38;5;196', { foreground: '#ff0000' }],
    ['48;5;16', { background: '#000000' }],
    ['38;5;67', { foreground: '#5f87af' }],
    ['38;5;244', { foreground: '#808080' }],
    ['38;2;1;2;255', { foreground: '#0102ff' }],
    ['48;2;1;2;3;1', { background: '#010203', bold: true }],
    ['38:2::1:2:3', { foreground: '#010203' }],
    ['38:2:1:2:3', { foreground: '#010203' }],
    ['38:5:200', { foreground: '#ff00d7' }],
    ['4:3', { underline: true }],
    ['1;58;2;4;4;4;3', { bold: true, italic: true }],
    ['31;0', {}],
    ['31;', {}],
    ['38;5', {}],
    ['38;5;256', {}],
    ['38;2;1;2', {}],
    ['99', {}],
  ])('[AN3] %s', (codes, look) => {
    expect(lookOf(codes)).toEqual(look)
  })

  test('[AN3] styles can be switched off', () => {
    const spans = read('\x1b[1;3;4;7;31;42ma\x1b[22;23;24;27;39;49mb')
    expect(Object.values(spans[1]?.look ?? {}).filter(Boolean)).toEqual([])
  })

  test('[AN3] a colour stays on in the next line, until a reset', () => {
    const reader = new TerminalReader()
    expect(reader.readLine('\x1b[32mgreen')).toEqual([{ text: 'green', look: { foreground: 2 } }])
    expect(reader.readLine('still')).toEqual([{ text: 'still', look: { foreground: 2 } }])
    expect(reader.readLine('\x1bcplain')).toEqual([{ text: 'plain', look: {} }])
  })

  test('[AN3] concealed text takes up space and is not shown', () => {
    expect(textOf(read('a\x1b[8mpass\x1b[28mb'))).toBe('a    b')
  })
})

describe('AN4', () => {
  test.each([
    ['a progress bar', '10 %\r20 %\r100 %', '100 %'],
    ['what is longer stays', 'Downloading\rDone', 'Doneloading'],
    ['erased to the end', 'Downloading\rDone\x1b[K', 'Done'],
    ['erased whole, then written', 'Downloading\x1b[2K\x1b[1GDone', 'Done'],
    ['erased up to here', 'abcdef\x1b[3D\x1b[1Kx', '   xef'],
    ['moves to the left', 'abc\x1b[2Dx', 'axc'],
    ['moves to the right within the line', 'abc\r\x1b[2Cx', 'abx'],
    ['moves beyond the line add nothing', 'ab\x1b[99999999Cc\x1b[99999999Gd', 'abcd'],
    ['moves before the line', 'ab\x1b[99Dx', 'xb'],
    ['a return at the end', 'text\r', 'text'],
    ['line ends of Windows', 'one\r\ntwo\r\n', 'one\ntwo'],
    ['several lines, each by itself', 'aaa\rb\nccc\rd', 'baa\ndcc'],
  ])('[AN4] %s', (_, line, shown) => {
    expect(textOf(read(line))).toBe(shown)
  })

  test('[AN4] overwriting text brings its own style', () => {
    expect(read('\x1b[31mabc\r\x1b[32mx')).toEqual([
      { text: 'x', look: { foreground: 2 } },
      { text: 'bc', look: { foreground: 1 } },
    ])
  })
})

test('[AN5] other control characters are shown: BEL is ^G, backspace ^H, NUL ^@, DEL ^?', () => {
  expect(textOf(read('a\x07b\bc\0d\x7fe\x0bf\x0cg\th'))).toBe('a^Gb^Hc^@d^?e^Kf^Lg\th')
})

test('[AN2] [AN3] a list that is rendered again reads each line once per stream', () => {
  const texts = new LineTexts()
  const lines = ['one\x1b[3', 'plain', '1mtwo'].map((message) => ({ message }))
  const draw = () => {
    texts.begin(lines[0])
    return lines.map((line, at) => texts.of(line, line.message, at === 1 ? 'stderr' : 'stdout'))
  }
  expect([draw(), draw()]).toEqual(Array(2).fill(['one', 'plain', 'two']))
  lines.splice(0, 3, { message: 'mine' })
  expect(draw()).toEqual(['mine'])
})

function has(terminal: string): boolean {
  try {
    execFileSync('tput', ['-T', terminal, 'sgr0'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A terminal that has no such capability prints nothing, and `tput` fails. */
function tputOr(tput: (...words: string[]) => string, ...words: string[]): string {
  try {
    return tput(...words)
  } catch {
    return ''
  }
}
