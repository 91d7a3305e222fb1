/** The style of text in a terminal (SGR, the sequences that end in `m`). */

/** One of the sixteen colours of a theme, or any other as `#rrggbb`. */
export type Colour = number | string

export interface Look {
  readonly foreground?: Colour | undefined
  readonly background?: Colour | undefined
  readonly bold?: boolean
  readonly dim?: boolean
  readonly italic?: boolean
  readonly underline?: boolean
  readonly inverse?: boolean
  /** Takes up space but is not visible. */
  readonly conceal?: boolean
}

export const PLAIN: Look = {}

const CHANGES: Readonly<Record<number, Look>> = {
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  8: { conceal: true },
  21: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  28: { conceal: false },
  39: { foreground: undefined },
  49: { background: undefined },
}

/** The style after a sequence with these parameters: numbers are separated by `;`, parts of a number by `:`. */
export function lookAfter(look: Look, parameters: string): Look {
  const codes = parameters.split(';')
  let next = look
  for (let index = 0; index < codes.length; index += 1) {
    const parts = (codes[index] ?? '').split(':')
    const code = Number(parts[0])
    if (code === 0) next = PLAIN
    else if (code === 4 && parts[1] === '0') next = { ...next, underline: false }
    else if (code === 38 || code === 48 || code === 58) {
      // `38;5;N` and `38;2;R;G;B` are several numbers that belong together. With `:` they are parts of one number.
      const own = parts.length > 1
      const kind = own ? parts[1] : codes[index + 1]
      const length = kind === '5' ? 1 : kind === '2' ? 3 : 0
      // `38:2::R:G:B` has a colour space before the colour.
      const values = own ? parts.slice(parts.length - length) : codes.slice(index + 2, index + 2 + length)
      if (!own) index += length === 0 ? 0 : 1 + length
      const colour = colourOf(length, values)
      if (colour === undefined || code === 58) continue
      next = { ...next, [code === 38 ? 'foreground' : 'background']: colour }
    } else next = { ...next, ...(CHANGES[code] ?? basicColour(code)) }
  }
  return next
}

/** The colour that a code of the sixteen selects; undefined for any other code, which changes nothing. */
function basicColour(code: number): Look | undefined {
  if (code >= 30 && code <= 37) return { foreground: code - 30 }
  if (code >= 90 && code <= 97) return { foreground: code - 90 + 8 }
  if (code >= 40 && code <= 47) return { background: code - 40 }
  if (code >= 100 && code <= 107) return { background: code - 100 + 8 }
  return undefined
}

function colourOf(length: number, values: readonly string[]): Colour | undefined {
  const numbers = values.map(Number)
  const [first = 0, second = 0, third = 0] = numbers
  if (length === 0 || numbers.length < length || numbers.some((value) => !(value >= 0 && value <= 255)))
    return undefined
  if (length === 3) return hex(first, second, third)
  if (first < 16) return first
  if (first >= 232) return hex(8 + 10 * (first - 232), 8 + 10 * (first - 232), 8 + 10 * (first - 232))
  const level = (step: number) => (step === 0 ? 0 : 55 + 40 * step)
  const cube = first - 16
  return hex(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6))
}

function hex(...parts: readonly number[]): string {
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`
}
