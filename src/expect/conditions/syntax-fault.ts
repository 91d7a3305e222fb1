/** A text that cannot be read. `message` is a sentence about the place at `offset`, which counts from 0. */
export class SyntaxFault extends Error {
  override readonly name = 'SyntaxFault'
  readonly offset: number

  constructor(offset: number, message: string) {
    super(message)
    this.offset = offset
  }
}
