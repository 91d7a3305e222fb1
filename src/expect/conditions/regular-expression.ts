import { SyntaxFault } from './syntax-fault.ts'

/** `/source/flags`. Other letters after the last slash are part of a path, such as `/usr/bin`. */
const WITH_FLAGS = /^\/(.*)\/([dgimsuvy]*)$/s

/** `^feat`, or with flags `/^feat/i`. Throws a SyntaxFault. */
export function regularExpression(text: string): RegExp {
  const [, source = text, flags = ''] = WITH_FLAGS.exec(text) ?? []
  try {
    return new RegExp(source, flags.replace('g', ''))
  } catch (error) {
    throw new SyntaxFault(0, error instanceof Error ? error.message : String(error))
  }
}

/** A text that stands for itself in a regular expression. */
export function escapedForRegularExpression(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
