const MAX_LENGTH = 6
/** The prefix for a name of one word is its beginning, of this length. */
const WORD_LENGTH = 4
const FALLBACK = 'CARD'

/** The prefix of ticket keys for a board of this name: `Agent work board` gives `AWB`, `Demo` gives `DEMO`. */
export function ticketPrefixFor(name: string): string {
  // Decomposes accented letters into their base letter and a mark, which is removed.
  const words = name
    .normalize('NFKD')
    .replace(/[\p{M}'’]/gu, '')
    .match(/[A-Za-z0-9]+/g)
  const [first = FALLBACK] = words ?? []
  const prefix = words && words.length > 1 ? words.map((word) => word.charAt(0)).join('') : first.slice(0, WORD_LENGTH)
  return prefix.slice(0, MAX_LENGTH).toUpperCase()
}
