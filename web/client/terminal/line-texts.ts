/** The text of the lines of a list that is drawn repeatedly: each line is read once, in order. */
import { TerminalReader } from './reader.ts'

export class LineTexts {
  readonly #texts = new WeakMap<object, string>()
  /** By stream, because styles and sequences continue in the same stream. */
  readonly #readers = new Map<string, TerminalReader>()

  /** Call this with the first line. If it is a new one, the lines before it were skipped. */
  begin(first: object | undefined): void {
    if (first !== undefined && !this.#texts.has(first)) this.#readers.clear()
  }

  of(line: object, message: string, stream = ''): string {
    const known = this.#texts.get(line)
    if (known !== undefined) return known
    const reader = this.#readers.get(stream) ?? new TerminalReader()
    this.#readers.set(stream, reader)
    const spans = reader.readLine(message)
    const text = spans.map((span) => span.text).join('')
    this.#texts.set(line, text)
    return text
  }
}
