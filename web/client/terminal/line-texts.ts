/** The text of the lines of a list that is drawn again and again: each is read once, in its order. */
import { TerminalReader } from './reader.ts'

export class LineTexts {
  readonly #texts = new WeakMap<object, string>()
  /** By stream: what one leaves open is closed by the same one. */
  readonly #readers = new Map<string, TerminalReader>()

  /** Call it with the first line: one that is new follows on nothing that was read before. */
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
