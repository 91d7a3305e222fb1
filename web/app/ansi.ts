/**
 * Terminal text as spans. The sixteen basic colours, bold, dim, italic, underline and inverse become CSS classes;
 * every other escape sequence is left out. Other control characters are shown in caret notation (NUL as ^@),
 * so that a line shows all that it holds. Each line starts plain: lines of several programs meet in one log.
 */
export interface Span {
  readonly text: string
  readonly className: string
}

// In this order: CSI (the only kind with a meaning here), OSC and its kin up to their terminator, any other sequence.
const ESCAPE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this file is about
  /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])|(?:\x1b[\]PX^_])[^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/g

interface Style {
  foreground: number | undefined
  background: number | undefined
  readonly flags: Set<string>
}

export function ansiSpans(line: string): Span[] {
  const spans: Span[] = []
  const style: Style = { foreground: undefined, background: undefined, flags: new Set() }
  const text = line.replace(/\r+\n/g, '\n').replace(/[\r\n]+$/, '')
  let from = 0
  for (const match of text.matchAll(ESCAPE)) {
    add(spans, text.slice(from, match.index), style)
    from = match.index + match[0].length
    if (match[2] === 'm') applySgr(style, match[1] ?? '')
  }
  add(spans, text.slice(from), style)
  return spans
}

function add(spans: Span[], text: string, style: Style): void {
  if (text === '') return
  spans.push({ text: text.replace(/\r/g, '\n').replace(CONTROL, caret), className: classesOf(style) })
}

/** As terminals spell them: NUL is ^@, DEL is ^?. */
function caret(character: string): string {
  return `^${String.fromCharCode(character.charCodeAt(0) ^ 0x40)}`
}

function classesOf({ foreground, background, flags }: Style): string {
  const classes = [...flags]
  if (foreground !== undefined) classes.push(`fg-${foreground}`)
  if (background !== undefined) classes.push(`bg-${background}`)
  return classes.join(' ')
}

const SET_FLAG: Readonly<Record<number, string>> = { 1: 'bold', 2: 'dim', 3: 'italic', 4: 'underline', 7: 'inverse' }
const CLEAR_FLAGS: Readonly<Record<number, readonly string[]>> = {
  22: ['bold', 'dim'],
  23: ['italic'],
  24: ['underline'],
  27: ['inverse'],
}

function applySgr(style: Style, parameters: string): void {
  const codes = parameters.split(';').map(Number)
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? 0
    const flag = SET_FLAG[code]
    if (code === 0) {
      style.foreground = undefined
      style.background = undefined
      style.flags.clear()
    } else if (flag) style.flags.add(flag)
    else if (CLEAR_FLAGS[code]) for (const cleared of CLEAR_FLAGS[code]) style.flags.delete(cleared)
    else if (code >= 30 && code <= 37) style.foreground = code - 30
    else if (code >= 90 && code <= 97) style.foreground = code - 90 + 8
    else if (code === 39) style.foreground = undefined
    else if (code >= 40 && code <= 47) style.background = code - 40
    else if (code >= 100 && code <= 107) style.background = code - 100 + 8
    else if (code === 49) style.background = undefined
    // 256 and true colours: their parameters must not be read as codes of their own.
    else if (code === 38 || code === 48) at += codes[at + 1] === 5 ? 2 : codes[at + 1] === 2 ? 4 : 0
  }
}
