/** The longest message of a log line, in bytes of UTF-8, that the server takes. */
export const maxMessageBytes = 65_536

/** Turns the bytes of one stream into lines, whatever the places where the stream was cut. */
export interface LineSplitter {
  push(bytes: Uint8Array): string[]
  /** What is left when the stream has ended: a last line without its newline. */
  end(): string[]
}

// The lines depend on the bytes alone, never on how they were cut into chunks:
//   - a character whose bytes arrive in two chunks is held back by the streaming decoder;
//   - a line ends at \n, and one \r before it goes with it. A \r at the end of what has arrived may be that one, so it
//     never counts towards the length of a line until something follows it;
//   - a line longer than maxBytes is cut into the longest pieces that end at a character and fit.
export function createLineSplitter(maxBytes = maxMessageBytes): LineSplitter {
  // The byte order mark is part of what the program wrote. Bytes that are no UTF-8 become U+FFFD.
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

  /** Pushes full pieces of `text` until what is left fits, and returns that. */
  function pushPieces(text: string, lines: string[]): string {
    let rest = text
    // A UTF-16 unit is at most 3 bytes: short lines, nearly all of them, are not measured.
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
