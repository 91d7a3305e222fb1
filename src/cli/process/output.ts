/**
 * What a command writes. Data goes to stdout, for programs; everything else to stderr, for people. Both are judged by
 * themselves: one may be a terminal and the other a pipe.
 */
import { styleText } from 'node:util'
import cliTruncate from 'cli-truncate'
import { readEnvironment } from './environment.ts'

export interface OutputOptions {
  /** Only errors on stderr. */
  readonly quiet?: boolean | undefined
  /** `--color` is true, `--no-color` false. */
  readonly color?: boolean | undefined
  /** `pretty`: data is laid out for people, whatever reads it; anything else: it is for programs. */
  readonly format?: string | undefined
}

type Style = Parameters<typeof styleText>[0]
export type Paint = (style: Style, text: string) => string

/** Where data goes. A reader that is slow is waited for; one that goes away ends the command without an error. */
export interface Data {
  /** Resolves when the reader has room for more. Does nothing once the reader is gone. */
  write(text: string): Promise<void>
  /** Resolves when everything has been handed to the system. */
  flushed(): Promise<void>
  /** Aborts when the reader has gone away. */
  readonly gone: AbortSignal
  /** For people: on a terminal, unless a format was chosen. */
  readonly isLaidOut: boolean
  /** Of the terminal; undefined: it is none, or does not say. */
  readonly width: number | undefined
  /** Cuts a line to the width of the terminal, if it is one. */
  fit(line: string): string
  readonly paint: Paint
}

export function dataOutput({ color, format }: OutputOptions = {}, stream: NodeJS.WriteStream = process.stdout): Data {
  const gone = new AbortController()
  const fail = () => gone.abort()
  stream.on('error', fail)
  stream.on('close', fail)
  return {
    gone: gone.signal,
    isLaidOut: format === undefined ? stream.isTTY === true : format === 'pretty',
    width: stream.isTTY && stream.columns > 0 ? stream.columns : undefined,
    fit: (line) => (stream.isTTY && stream.columns > 0 ? cliTruncate(line, stream.columns) : line),
    paint: painter(isColoured(stream, color)),
    write: (text) =>
      new Promise((resolve) => {
        if (gone.signal.aborted || stream.write(text)) return resolve()
        const ready = () => {
          stream.off('drain', ready)
          gone.signal.removeEventListener('abort', ready)
          resolve()
        }
        stream.on('drain', ready)
        gone.signal.addEventListener('abort', ready)
      }),
    flushed: () =>
      new Promise((resolve) => {
        if (gone.signal.aborted) return resolve()
        gone.signal.addEventListener('abort', () => resolve(), { once: true })
        stream.write('', () => resolve())
      }),
  }
}

export interface Talk {
  /** Progress, results and warnings for people; left out with `--quiet`. */
  info(text: string): void
  /** Errors. */
  warn(text: string): void
  readonly paint: Paint
}

export function talk({ quiet = false, color }: OutputOptions = {}): Talk {
  const warn = (text: string) => void process.stderr.write(`boardcast: ${text}\n`)
  return { warn, info: quiet ? () => {} : warn, paint: painter(isColoured(process.stderr, color)) }
}

/** Options precede variables, and NO_COLOR precedes FORCE_COLOR; without any of them, colour is for terminals. */
export function isColoured(stream: { readonly isTTY?: boolean }, option: boolean | undefined): boolean {
  if (option !== undefined) return option
  const { noColor, forceColor } = readEnvironment()
  if (noColor) return false
  return forceColor || stream.isTTY === true
}

function painter(isOn: boolean): Paint {
  return isOn ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text
}
