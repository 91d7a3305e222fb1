/** Text from elsewhere, made safe for a terminal: one line, and nothing that a terminal would carry out. */

// Control characters, characters that change the direction of text, and separators of lines.
const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

export function printable(text: string): string {
  return text.replace(/\s*[\r\n]+\s*/g, ' ').replace(UNSAFE, '\ufffd')
}
