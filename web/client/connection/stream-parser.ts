/**
 * Parses `text/event-stream` from bytes with eventsource-parser. Line ends are normalised to LF first: the parser holds
 * back a CR at the end of a chunk, and with it a whole event, until the next byte shows whether it was a CRLF.
 */
import { createParser } from 'eventsource-parser'
import type { RawFrame } from './transport.ts'

const LF = '\n'
const CR = '\r'

export interface StreamParserEvents {
  frame(frame: RawFrame): void
  retry(ms: number): void
}

/** Returns a function that takes the bytes in chunks of any size. */
export function streamParser({ frame, retry }: StreamParserEvents): (bytes: Uint8Array) => void {
  const parser = createParser({
    onEvent: ({ event = 'message', data, id }) => frame({ event, data, id }),
    onRetry: retry,
  })
  // The parser looks for a byte order mark in its first text, but the decoder has already removed it.
  parser.feed('')
  const decoder = new TextDecoder()
  let endedInCr = false
  return (bytes) => {
    let text = decoder.decode(bytes, { stream: true })
    if (text === '') return
    if (endedInCr && text.startsWith(LF)) text = text.slice(1)
    endedInCr = text.endsWith(CR)
    parser.feed(text.includes(CR) ? text.replace(/\r\n?/g, LF) : text)
  }
}
