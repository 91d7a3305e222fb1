/** The whole log, as an uninterrupted reader of `channels=global` receives it. */
import { parseCursor } from '../../shared/src/cursor.ts'
import { Tail } from './tail.ts'

export interface SeenEvent {
  readonly seq: number
  readonly id: string
  /** The domain name. */
  readonly type: string
  // biome-ignore lint/suspicious/noExplicitAny: tests read payloads of every shape.
  readonly data: any
}

/** The events after a cursor (`earliest`: all of them), up to and including the cursor `upTo`. */
export async function readLog(url: string, since: string, upTo: string): Promise<SeenEvent[]> {
  const end = parseCursor(upTo)?.seq
  if (end === undefined) throw new Error(`${upTo} is not a cursor`)
  const events: SeenEvent[] = []
  const tail = new Tail(url, `/sse?channels=global&since=${since}`, {
    onFrame(frame) {
      const envelope = JSON.parse(frame.text)
      const seq = parseCursor(frame.id ?? '')?.seq
      if (envelope.channel === 'global') {
        if (seq === undefined || frame.id !== envelope.id) throw new Error(`a frame without its id: ${frame.text}`)
        if (seq <= end) events.push({ seq, id: envelope.id, type: frame.event, data: envelope.data })
      } else if (frame.event === 'gap') throw new Error(`the log has a gap: ${frame.text}`)
      if (seq !== undefined && seq >= end) tail.cut()
    },
  })
  await tail.closed
  if (tail.fault) throw tail.fault
  return events
}
