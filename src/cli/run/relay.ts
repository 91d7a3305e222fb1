import type { Readable, Writable } from 'node:stream'
import { createLineSplitter } from './line-splitter.ts'

/** One stream of the child on its way to ours, byte for byte, and to the log, line by line. */
export interface Relay {
  /** Stops and goes on reading, for a log that has no room; the child feels it as a full pipe. */
  hold(): void
  release(): void
  isHeld(): boolean
  bytesRead(): number
  /** Reads no more; the last partial line is still delivered. */
  abandon(): void
  /** Resolves when nothing more will come and the last line was delivered. */
  readonly done: Promise<void>
}

/** After the child's end its pipes may stay open in the hands of something that it left behind. */
const quietMs = 1_000
const maxLingerMs = 10_000
const lingerTickMs = 100

export function createRelay(source: Readable, sink: Writable, onLines: (lines: readonly string[]) => void): Relay {
  const splitter = createLineSplitter()
  let heldByLog = false
  let heldBySink = false
  let bytesRead = 0

  const flow = () => {
    if (heldByLog || heldBySink) source.pause()
    else source.resume()
  }
  const onDrain = () => {
    heldBySink = false
    flow()
  }
  // Whoever read our output is gone (`| head`). The child must learn it as it would without us: by its own broken pipe.
  const onSinkError = () => source.destroy()

  sink.on('drain', onDrain)
  sink.on('error', onSinkError)
  source.on('data', (chunk: Buffer) => {
    bytesRead += chunk.length
    if (!sink.write(chunk)) heldBySink = true
    onLines(splitter.push(chunk))
    // Also when it was held before: node resumes every pipe of a child that ends.
    if (heldByLog || heldBySink) source.pause()
  })
  source.on('error', () => source.destroy()) // a pipe that cannot be read has nothing more to say; `close` follows

  const done = new Promise<void>((resolve) => {
    source.once('close', () => {
      sink.off('drain', onDrain)
      onLines(splitter.end())
      resolve()
    })
  })

  return {
    hold() {
      heldByLog = true
      flow()
    },
    release() {
      heldByLog = false
      flow()
    },
    isHeld: () => heldByLog || heldBySink,
    bytesRead: () => bytesRead,
    abandon: () => source.destroy(),
    done,
  }
}

/**
 * Resolves when both streams of a child that has ended are read. What the child itself wrote is at most a pipe full, so
 * when only a daemon keeps a pipe open, a second of quiet (or ten of its chatter) is the end; time in which we did not
 * read does not count.
 */
export async function drain(relays: readonly Relay[]): Promise<void> {
  let waitedMs = 0
  let silentMs = 0
  let seen = total(relays)
  const timer = setInterval(() => {
    if (relays.some((relay) => relay.isHeld())) return
    const now = total(relays)
    waitedMs += lingerTickMs
    silentMs = now === seen ? silentMs + lingerTickMs : 0
    seen = now
    if (silentMs < quietMs && waitedMs < maxLingerMs) return
    for (const relay of relays) relay.abandon()
  }, lingerTickMs)
  await Promise.all(relays.map((relay) => relay.done))
  clearInterval(timer)
}

function total(relays: readonly Relay[]): number {
  return relays.reduce((sum, relay) => sum + relay.bytesRead(), 0)
}
