/**
 * Reads log output as a terminal would: text and its style. Every escape sequence is read to its end, however it is split,
 * and leaves nothing in the text. A log has no screen, so only styles (SGR) and moves within a line have an effect. Control
 * characters other than line end and tab show in caret notation (BEL as ^G), so that a line shows everything in it.
 */
import { type Look, lookAfter, PLAIN } from './look.ts'

export interface Span {
  readonly text: string
  readonly look: Look
}

// The states of the reader. A sequence may continue in the next line. A string (OSC and the like) ends with its line: one
// without an end would hide everything after it.
const TEXT = 0
const ESCAPE = 1
const CSI = 2
const STRING = 3

/** What starts a sequence, after ESC or as a C1 character (0x40 above). `k` is the title of screen and tmux. */
const OPENERS: Readonly<Record<string, number>> = {
  '[': CSI,
  ']': STRING,
  P: STRING,
  X: STRING,
  '^': STRING,
  _: STRING,
  k: STRING,
}

/** Longer parameters have no meaning, and are skipped. */
const MAX_PARAMETERS = 256

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this file is about
const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f]/

export class TerminalReader {
  #state = TEXT
  #parameters = ''
  #look: Look = PLAIN
  /** The characters of the current line, each with its style. Erased ones are empty. */
  #cells: string[] = []
  #looks: Look[] = []
  /** Where the line starts in them, and where the next character goes. */
  #start = 0
  #at = 0

  /** One line, or several with `\n` between them. Styles and sequences continue in the next call. */
  readLine(line: string): Span[] {
    if (this.#state === TEXT && this.#look === PLAIN && this.#cells.length === 0 && !CONTROL.test(line)) {
      const text = line.replace(/\n+$/, '')
      return text === '' ? [] : [{ text, look: PLAIN }]
    }
    this.write(line)
    return this.endLine()
  }

  /** Part of a line, split anywhere. */
  write(piece: string): void {
    for (let index = 0; index < piece.length; index += 1) this.#read(piece.charAt(index), piece.charCodeAt(index))
  }

  /** Returns what was written since the last call. */
  endLine(): Span[] {
    if (this.#state === STRING) this.#state = TEXT
    this.#trim()
    const spans: { text: string; look: Look }[] = []
    let size = this.#cells.length
    while (this.#cells[size - 1] === '\n') size -= 1
    for (let index = 0; index < size; index += 1) {
      const text = this.#cells[index] || ' '
      const look = this.#looks[index] ?? PLAIN
      const last = spans.at(-1)
      if (last?.look === look) last.text += text
      else spans.push({ text, look })
    }
    this.#cells = []
    this.#looks = []
    this.#start = 0
    this.#at = 0
    return spans
  }

  #read(character: string, code: number): void {
    if (code === 0x1b) {
      this.#state = ESCAPE
      this.#parameters = ''
    } else if (code >= 0x80 && code <= 0x9f) this.#readC1(String.fromCharCode(code - 0x40))
    else if (character === '\n') this.#newLine()
    else if (this.#state === TEXT) this.#readText(character, code)
    else if (code === 0x18 || code === 0x1a)
      this.#state = TEXT // CAN and SUB cancel
    else if (this.#state === STRING) this.#state = code === 0x07 ? TEXT : STRING
    else if (code < 0x20)
      this.#readText(character, code) // has its effect as if it came before the sequence
    else if (code > 0x7f) {
      this.#state = TEXT // not part of any sequence, so this one was cut off
      this.#readText(character, code)
    } else if (this.#state === ESCAPE) this.#readEscape(character, code)
    else this.#readCsi(character, code)
  }

  /** `ESC ( B` and the like end with a byte from `0` to `~`, after bytes from space to `/`. */
  #readEscape(character: string, code: number): void {
    if (code === 0x7f) return
    if (code < 0x30) this.#parameters = character
    else if (this.#parameters === '') this.#open(character)
    else {
      this.#state = TEXT
      this.#parameters = ''
    }
  }

  #readC1(letter: string): void {
    this.#parameters = ''
    if (this.#state === STRING && letter !== '\\' && OPENERS[letter] === undefined) return
    this.#open(letter)
  }

  #open(letter: string): void {
    this.#state = OPENERS[letter] ?? TEXT
    this.#parameters = ''
    if (letter === 'c') this.#look = PLAIN // reset
  }

  #readCsi(character: string, code: number): void {
    if (code === 0x7f) return
    if (code < 0x40) {
      if (this.#parameters.length < MAX_PARAMETERS) this.#parameters += character
      return
    }
    this.#act(character, this.#parameters)
    this.#state = TEXT
    this.#parameters = ''
  }

  /** All other sequences need a screen, or query the terminal. */
  #act(name: string, parameters: string): void {
    if (!/^[\d;:]*$/.test(parameters)) return // private sequences mean something else
    const count = Math.max(1, Number.parseInt(parameters, 10) || 1)
    if (name === 'm') this.#look = lookAfter(this.#look, parameters)
    else if (name === 'K') this.#erase(Number.parseInt(parameters, 10) || 0)
    else if (name === 'G') this.#moveTo(this.#start + count - 1)
    else if (name === 'C') this.#moveTo(this.#at + count)
    else if (name === 'D') this.#moveTo(this.#at - count)
  }

  /** Only within the existing text, because the width of the screen is unknown. */
  #moveTo(at: number): void {
    this.#at = Math.min(Math.max(at, this.#start), this.#cells.length)
  }

  #erase(what: number): void {
    if (what === 0) {
      this.#cells.length = this.#at
      this.#looks.length = this.#at
      return
    }
    const end = what === 1 ? Math.min(this.#at + 1, this.#cells.length) : this.#cells.length
    this.#cells.fill('', this.#start, end)
    this.#looks.fill(PLAIN, this.#start, end)
  }

  /** Removes erased characters at the end of the line. */
  #trim(): void {
    while (this.#cells.length > this.#start && this.#cells.at(-1) === '') this.#cells.pop()
    this.#looks.length = this.#cells.length
  }

  #newLine(): void {
    if (this.#state === STRING) this.#state = TEXT
    this.#trim()
    this.#at = this.#cells.length
    this.#put('\n')
    this.#start = this.#at
  }

  #readText(character: string, code: number): void {
    if (character === '\r') this.#at = this.#start
    else if (character === '\t' || (code >= 0x20 && code !== 0x7f)) this.#put(this.#look.conceal ? ' ' : character)
    // SO and SI switch character sets; they are part of what resets some terminals.
    else if (code !== 0x0e && code !== 0x0f) for (const part of `^${String.fromCharCode(code ^ 0x40)}`) this.#put(part)
  }

  #put(character: string): void {
    const before = this.#cells[this.#at - 1]
    if (this.#at > this.#start && isLow(character) && before !== undefined && isHigh(before)) {
      this.#cells[this.#at - 1] = before + character
      return
    }
    this.#cells[this.#at] = character
    this.#looks[this.#at] = this.#look
    this.#at += 1
  }
}

function isHigh(cell: string): boolean {
  return cell.length === 1 && cell >= '\ud800' && cell <= '\udbff'
}

function isLow(cell: string): boolean {
  return cell >= '\udc00' && cell <= '\udfff'
}
