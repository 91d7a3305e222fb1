/**
 * What a terminal would show of a log: text and how it looks. Every escape sequence is read to its end, whatever pieces
 * it comes in, and leaves nothing in the text: a log has no screen, so that of all that sequences do only looks (SGR) and
 * moves within a line are of use. No control character but line end and tab is in the text either: the others are
 * in caret notation (BEL as ^G), so that a line shows all that it holds.
 */
import { type Look, lookAfter, PLAIN } from './look.ts'

export interface Span {
  readonly text: string
  readonly look: Look
}

// The states of the reader. A sequence goes on in the next line, where it may have been cut; a string (OSC and its kin)
// does not: one that nobody has ended would hide all that follows.
const TEXT = 0
const ESCAPE = 1
const CSI = 2
const STRING = 3

/** What begins a sequence, after ESC, and as a C1 character, which is 0x40 above. `k` is the title of screen and tmux. */
const OPENERS: Readonly<Record<string, number>> = {
  '[': CSI,
  ']': STRING,
  P: STRING,
  X: STRING,
  '^': STRING,
  _: STRING,
  k: STRING,
}

/** Longer parameters mean nothing to anyone; they are read over. */
const MAX_PARAMETERS = 256

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this file is about
const CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f]/

export class TerminalReader {
  #state = TEXT
  #parameters = ''
  #look: Look = PLAIN
  /** What was not taken yet: characters, each with its look; one that was erased is empty. */
  #cells: string[] = []
  #looks: Look[] = []
  /** Where the line begins in them, and where the next character goes. */
  #start = 0
  #at = 0

  /** One line, or several with `\n` between them; what is open goes on in the next one. */
  readLine(line: string): Span[] {
    if (this.#state === TEXT && this.#look === PLAIN && this.#cells.length === 0 && !CONTROL.test(line)) {
      const text = line.replace(/\n+$/, '')
      return text === '' ? [] : [{ text, look: PLAIN }]
    }
    this.write(line)
    return this.endLine()
  }

  /** Any piece of a line, however it is cut. */
  write(piece: string): void {
    for (let index = 0; index < piece.length; index += 1) this.#read(piece.charAt(index), piece.charCodeAt(index))
  }

  /** What was written since the last end of a line. */
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
      this.#readText(character, code) // carried out as if it stood before the sequence
    else if (code > 0x7f) {
      this.#state = TEXT // no sequence has it: this one was cut off
      this.#readText(character, code)
    } else if (this.#state === ESCAPE) this.#readEscape(character, code)
    else this.#readCsi(character, code)
  }

  /** The last byte of `ESC ( B` and its like is `0` to `~`; what comes before it is between space and `/`. */
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

  /** What is not here needs a screen, or asks the terminal something. */
  #act(name: string, parameters: string): void {
    if (!/^[\d;:]*$/.test(parameters)) return // private sequences mean something else
    const count = Math.max(1, Number.parseInt(parameters, 10) || 1)
    if (name === 'm') this.#look = lookAfter(this.#look, parameters)
    else if (name === 'K') this.#erase(Number.parseInt(parameters, 10) || 0)
    else if (name === 'G') this.#moveTo(this.#start + count - 1)
    else if (name === 'C') this.#moveTo(this.#at + count)
    else if (name === 'D') this.#moveTo(this.#at - count)
  }

  /** Within what the line has already: how wide the screen was nobody knows. */
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

  /** What was erased at the end of a line is not part of it. */
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
