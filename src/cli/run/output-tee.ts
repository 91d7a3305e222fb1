import type { Readable, Writable } from 'node:stream'
import { createLineSplitter } from './line-splitter.ts'

/** Copies an output stream of the child to ours, byte for byte, and to the log, line by line. */
export interface OutputTee {
  /** Stops reading while the log has no room; the child sees a full pipe. */
  pause(): void
  resume(): void
  isPaused(): boolean
  bytesRead(): number
  /** Stops reading for good; still delivers the last partial line. */
  close(): void
  /** Resolves when the stream has ended and the last line was delivered. */
  readonly done: Promise<void>
}

/** After the child has ended, a process that it left behind may keep its pipes open: see `drainOutput`. */
const quietMs = 1_000
const maxLingerMs = 10_000
const lingerTickMs = 100

export function createOutputTee(
  source: Readable,
  sink: Writable,
  onLines: (lines: readonly string[]) => void,
): OutputTee {
  const splitter = createLineSplitter()
  let isLogFull = false
  let isSinkFull = false
  let bytesRead = 0

  const flow = () => {
    if (isLogFull || isSinkFull) source.pause()
    else source.resume()
  }
  const onDrain = () => {
    isSinkFull = false
    flow()
  }
  // The reader of our output has gone away (`| head`). The child must notice as it would without us: by a broken pipe.
  const onSinkError = () => source.destroy()

  sink.on('drain', onDrain)
  sink.on('error', onSinkError)
  source.on('data', (chunk: Buffer) => {
    bytesRead += chunk.length
    if (!sink.write(chunk)) isSinkFull = true
    onLines(splitter.push(chunk))
    // Even if it was already paused: Node resumes the pipes of a child that has ended.
    if (isLogFull || isSinkFull) source.pause()
  })
  source.on('error', () => source.destroy()) // the pipe cannot be read any more; `close` follows

  const done = new Promise<void>((resolve) => {
    source.once('close', () => {
      sink.off('drain', onDrain)
      onLines(splitter.end())
      resolve()
    })
  })

  return {
    pause() {
      isLogFull = true
      flow()
    },
    resume() {
      isLogFull = false
      flow()
    },
    isPaused: () => isLogFull || isSinkFull,
    bytesRead: () => bytesRead,
    close: () => source.destroy(),
    done,
  }
}

/**
 * Reads the rest of both streams of a child that has ended, and resolves when they are closed. The child itself can have
 * left at most a full pipe. If a daemon keeps a pipe open, reading ends after a second without output, or after ten seconds
 * with it. Time while the tee is paused does not count.
 */
export async function drainOutput(tees: readonly OutputTee[]): Promise<void> {
  let waitedMs = 0
  let silentMs = 0
  let seen = total(tees)
  const timer = setInterval(() => {
    if (tees.some((tee) => tee.isPaused())) return
    const now = total(tees)
    waitedMs += lingerTickMs
    silentMs = now === seen ? silentMs + lingerTickMs : 0
    seen = now
    if (silentMs < quietMs && waitedMs < maxLingerMs) return
    for (const tee of tees) tee.close()
  }, lingerTickMs)
  await Promise.all(tees.map((tee) => tee.done))
  clearInterval(timer)
}

function total(tees: readonly OutputTee[]): number {
  return tees.reduce((sum, tee) => sum + tee.bytesRead(), 0)
}
