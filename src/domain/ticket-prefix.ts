const MAX_LENGTH = 6
/** A name of one word has no initials to speak of; it gives its beginning. */
const WORD_LENGTH = 4
const FALLBACK = 'CARD'

/** The prefix of ticket keys for a board of this name: `Agent work board` gives `AWB`, `Demo` gives `DEMO`. */
export function ticketPrefixFor(name: string): string {
  // Decomposed, so that an accented letter counts as its base letter.
  const words = name
    .normalize('NFKD')
    .replace(/[\p{M}'’]/gu, '')
    .match(/[A-Za-z0-9]+/g)
  const [first = FALLBACK] = words ?? []
  const prefix = words && words.length > 1 ? words.map((word) => word.charAt(0)).join('') : first.slice(0, WORD_LENGTH)
  return prefix.slice(0, MAX_LENGTH).toUpperCase()
}
