/** A line in the form that `POST /attempts/:id/logs` accepts. */
export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly ts: string
  readonly stream: 'stdout' | 'stderr'
}

/** Sends lines in order, in batches, one request at a time. Its memory is bounded as long as callers respect `isFull`. */
export interface LogShipper {
  /** Always accepts the line; stop reading the source while `isFull`. */
  push(line: LogLine): void
  isFull(): boolean
  /** Sends the rest at once. Resolves when every line was acknowledged or refused. */
  finish(): Promise<void>
  counts(): { acknowledged: number; refused: number; waiting: number }
}

export interface LogShipperOptions {
  /** Posts one body, with retries. Resolves to whether it was accepted. */
  readonly post: (json: string) => Promise<boolean>
  /** Called when the shipper was full and has room again. */
  readonly onRoom?: () => void
  readonly gatherMs?: number
  readonly maxBatchLines?: number
  readonly maxBatchBytes?: number
  readonly maxHeldBytes?: number
}

/** A line waits this long for more lines: few requests, and still fast enough to seem immediate. */
const gatherMs = 50
/** The server's limit per request. */
const maxBatchLines = 1_000
/** Half of the 1 MiB that the server accepts. Any line fits: 64 KiB of control characters become 384 KiB of JSON. */
const maxBatchBytes = 512 * 1024
/** About 100,000 lines: minutes of output from a busy program, little enough for a small machine. */
const maxHeldBytes = 16 * 1024 * 1024

interface Held {
  readonly json: string
  readonly bytes: number
  readonly at: number
}

export function createLogShipper(options: LogShipperOptions): LogShipper {
  const limits = { gatherMs, maxBatchLines, maxBatchBytes, maxHeldBytes, ...options }
  const queue: Held[] = []
  let queuedBytes = 0
  /** Queued and in flight: a line is held until it is acknowledged. */
  let heldBytes = 0
  let inFlight = 0
  let timer: NodeJS.Timeout | undefined
  let acknowledged = 0
  let refused = 0
  let finished: (() => void) | undefined

  function isFull(): boolean {
    return heldBytes >= limits.maxHeldBytes
  }

  /** Keeps the invariant: the queue is empty, or a request is in flight, or a timer is set for the oldest line. */
  function arm(): void {
    if (inFlight > 0) return
    const oldest = queue[0]
    if (oldest === undefined) {
      finished?.()
      return
    }
    const batchIsFull = queue.length >= limits.maxBatchLines || queuedBytes >= limits.maxBatchBytes
    const waitMs = finished || batchIsFull ? 0 : oldest.at + limits.gatherMs - performance.now()
    if (waitMs > 0) {
      timer ??= setTimeout(sendBatch, waitMs)
    } else {
      sendBatch()
    }
  }

  function sendBatch(): void {
    clearTimeout(timer)
    timer = undefined
    void post(nextBatch()) // never rejects
  }

  async function post(batch: readonly Held[]): Promise<void> {
    const bytes = batch.reduce((sum, line) => sum + line.bytes, 0)
    inFlight = batch.length
    let taken = false
    try {
      taken = await limits.post(`{"lines":[${batch.map((line) => line.json).join(',')}]}`)
    } catch {
      // Not delivered: counted as refused, which the caller reports.
    }
    const wasFull = isFull()
    if (taken) acknowledged += batch.length
    else refused += batch.length
    inFlight = 0
    heldBytes -= bytes
    if (wasFull && !isFull()) limits.onRoom?.()
    arm()
  }

  function nextBatch(): Held[] {
    let lines = 0
    let bytes = 0
    for (const line of queue) {
      if (lines === limits.maxBatchLines || (lines > 0 && bytes + line.bytes > limits.maxBatchBytes)) break
      lines += 1
      bytes += line.bytes
    }
    queuedBytes -= bytes
    return queue.splice(0, lines)
  }

  return {
    isFull,
    push(line) {
      const json = JSON.stringify(line)
      const bytes = Buffer.byteLength(json) + 1 // the comma
      queue.push({ json, bytes, at: performance.now() })
      queuedBytes += bytes
      heldBytes += bytes
      arm()
    },
    finish() {
      return new Promise((resolve) => {
        finished = resolve
        arm()
      })
    },
    counts: () => ({ acknowledged, refused, waiting: queue.length + inFlight }),
  }
}
