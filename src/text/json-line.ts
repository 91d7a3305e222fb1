/** JSON on one line, as the server writes it: without characters that some readers take for the end of a line. */

const LINE_BREAKS = /[\u0085\u2028\u2029]/g

export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(LINE_BREAKS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** Undefined if the text is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
