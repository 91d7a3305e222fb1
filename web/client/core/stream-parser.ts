/**
 * `text/event-stream`, from bytes. eventsource-parser does the format; line ends are made LF before it sees them, because
 * it keeps back a CR at the end of what it has, and with it the event, until the next byte says whether it was a CRLF.
 */
import { createParser } from 'eventsource-parser'
import type { RawFrame } from './transport.ts'

const LF = '\n'
const CR = '\r'

export interface StreamParserEvents {
  frame(frame: RawFrame): void
  retry(ms: number): void
}

/** Returns what takes the bytes, cut anywhere. */
export function streamParser({ frame, retry }: StreamParserEvents): (bytes: Uint8Array) => void {
  const parser = createParser({
    onEvent: ({ event = 'message', data, id }) => frame({ event, data, id }),
    onRetry: retry,
  })
  // It looks for the bytes of a byte order mark in its first text; the decoder has taken the mark already.
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
