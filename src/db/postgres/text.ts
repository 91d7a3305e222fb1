/**
 * Text of any kind in PostgreSQL, whose text cannot hold NUL. The encoding keeps the order of the texts: NUL becomes two
 * characters 1, and the character 1 becomes 1 and 2. Other texts stay as they are, JSON among them.
 */

const NUL = '\0'
const ESCAPE = '\x01'
const STORED_NUL = '\x01\x01'
const STORED_ESCAPE = '\x01\x02'

export function encodeText(text: string): string {
  return text.replaceAll(ESCAPE, STORED_ESCAPE).replaceAll(NUL, STORED_NUL)
}

export function decodeText(stored: string): string {
  return stored.includes(ESCAPE) ? stored.replaceAll(STORED_NUL, NUL).replaceAll(STORED_ESCAPE, ESCAPE) : stored
}
