/** The longest message of a log line that the server accepts, in bytes of UTF-8. */
export const maxMessageBytes = 65_536

/** Splits the bytes of a stream into lines, independent of how the stream is divided into chunks. */
export interface LineSplitter {
  push(bytes: Uint8Array): string[]
  /** Returns the rest at the end of the stream: a last line without a newline. */
  end(): string[]
}

// The lines depend only on the bytes, never on the chunks:
//   - The streaming decoder holds back a character whose bytes arrive in two chunks.
//   - A line ends at \n; one \r before it is dropped. A \r at the end of a chunk may be that one, so it does not count
//     towards the length of the line until something follows it.
//   - A line longer than maxBytes is cut into the longest pieces that fit and end at a character.
export function createLineSplitter(maxBytes = maxMessageBytes): LineSplitter {
  // A byte order mark is part of the output. Bytes that are not UTF-8 become U+FFFD.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const encoder = new TextEncoder()
  const scratch = new Uint8Array(maxBytes)
  let pending = ''
  let pendingBytes = 0

  function take(text: string): string[] {
    const lines: string[] = []
    let from = 0
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', from)) {
      pushLine(pending + text.slice(from, at), lines)
      pending = ''
      pendingBytes = 0
      from = at + 1
    }
    const rest = text.slice(from)
    if (rest === '') return lines
    pending += rest
    pendingBytes += Buffer.byteLength(rest)
    const held = rest.endsWith('\r') ? '\r' : ''
    if (pendingBytes - held.length > maxBytes) {
      pending = pushPieces(pending.slice(0, pending.length - held.length), lines) + held
      pendingBytes = Buffer.byteLength(pending)
    }
    return lines
  }

  function pushLine(text: string, lines: string[]): void {
    const line = text.endsWith('\r') ? text.slice(0, -1) : text
    lines.push(pushPieces(line, lines))
  }

  /** Pushes full pieces of `text` and returns the rest, which fits. */
  function pushPieces(text: string, lines: string[]): string {
    let rest = text
    // A UTF-16 unit takes at most 3 bytes, so short lines, which are nearly all, need not be measured.
    while (rest.length * 3 > maxBytes && Buffer.byteLength(rest) > maxBytes) {
      const { read } = encoder.encodeInto(rest, scratch)
      lines.push(rest.slice(0, read))
      rest = rest.slice(read)
    }
    return rest
  }

  return {
    push: (bytes) => take(decoder.decode(bytes, { stream: true })),
    end() {
      const lines = take(decoder.decode())
      if (pending !== '') pushLine(pending, lines)
      pending = ''
      pendingBytes = 0
      return lines
    },
  }
}
