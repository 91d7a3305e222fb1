/** Whether a stream has shown everything that the log holds for its channels, once and in order. */
import * as z from 'zod'
import { type Envelope, includes, isControl, isEnvelope, isEphemeral, isSnapshot } from '../cli/stream/envelope.ts'
import { isoTime } from '../expect/conditions/iso-time.ts'
import { parseJson } from '../text/json-line.ts'
import { type Checked, faultList } from './checked.ts'
import type { Received, ReceivedFrame } from './received.ts'

const page = z.object({ events: z.array(z.custom<Envelope>(isEnvelope)), cursor: z.string(), more: z.boolean() })
const PAGE = 1_000

/** Reads the log. Rejects if the server does not answer. */
export async function checkGaps(received: Received): Promise<Checked> {
  const { from, cursor: to, gaps } = received
  const events = storedEvents(received.frames)
  const lost = gaps.map(
    ({ requested, oldest, reason }) =>
      `gap  events after ${requested} are lost (${reason}); the log begins at ${oldest}`,
  )
  // A log that was replaced, or that is not complete any more, cannot be compared.
  const logged = gaps.length > 0 ? [] : await logBetween(received, from, to)
  const faults = [...lost, ...disorder(events, from), ...missing(logged, events)]
  const range = `after ${from} up to ${to}, on ${received.channels.join(', ')}`
  return {
    faults: faults.length,
    broken: faultList(`NOT GAP FREE: ${faults.length} fault${faults.length === 1 ? '' : 's'} ${range}`, faults),
    sound: `GAP FREE: the ${logged.length} events of the log ${range} came once and in order`,
  }
}

interface StoredEvent {
  readonly envelope: Envelope
  readonly frame: ReceivedFrame
}

/** The events that have a place in the log, as they came. */
function storedEvents(frames: readonly ReceivedFrame[]): StoredEvent[] {
  return frames.flatMap((frame) => {
    const envelope = parseJson(frame.text)
    if (!isEnvelope(envelope)) return []
    const { event } = envelope
    return isControl(event) || isSnapshot(event) || isEphemeral(event) ? [] : [{ envelope, frame }]
  })
}

/** What the log holds for the channels of the stream, in order. */
async function logBetween({ api, channels, types }: Received, from: string, to: string): Promise<Envelope[]> {
  const found: Envelope[] = []
  for (let after = from; !includes(after, to); ) {
    const query = new URLSearchParams({ channels: channels.join(','), after, limit: String(PAGE) })
    if (types.length > 0) query.set('types', types.join(','))
    const { value } = await api.read(page, 'GET', `/events?${query}`)
    found.push(...value.events.filter(({ id }) => includes(to, id)))
    if (!value.more) break
    after = value.cursor
  }
  return found
}

/** Ids grow from the beginning on; an event that was cut off between two of its names may begin again. */
function disorder(events: readonly StoredEvent[], from: string): string[] {
  const faults: string[] = []
  const came = new Set<string>()
  let complete = from
  let names = new Set<string>()
  let connection = 0
  for (const { envelope, frame } of events) {
    const { id, channel, event } = envelope
    const name = `${id} ${channel} ${event}`
    if (frame.connection !== connection) names = new Set()
    connection = frame.connection
    if (names.has(name) || (includes(complete, id) && came.has(name))) faults.push(`repeated  ${shown(envelope)}`)
    else if (includes(complete, id)) faults.push(`late  ${shown(envelope)}, after ${complete}`)
    came.add(name)
    names.add(name)
    if (frame.checkpoint !== undefined && !includes(complete, id)) {
      complete = id
      names = new Set()
    }
  }
  return faults
}

function missing(logged: readonly Envelope[], events: readonly StoredEvent[]): string[] {
  const came = new Set(events.map(({ envelope }) => keyOf(envelope)))
  const batches = new Batches(events.map(({ envelope }) => envelope))
  return logged
    .filter((envelope) => !came.has(keyOf(envelope)) && !batches.hold(envelope))
    .map((envelope) => {
      const before = events.findLast((one) => includes(envelope.id, one.envelope.id))
      const after = events.find((one) => includes(one.envelope.id, envelope.id) && one.envelope.id !== envelope.id)
      const place = [before && `after ${shown(before.envelope)}`, after && `before ${shown(after.envelope)}`]
      return [`missing  ${shown(envelope)}`, ...place.flatMap((text) => (text ? [`         ${text}`] : []))].join('\n')
    })
}

/** Streams join lines of output that follow each other; the log has them one by one. */
class Batches {
  /** For each channel the batches, each with the lines that the log has not shown yet. */
  readonly #batches = new Map<string, Array<{ readonly id: string; readonly lines: string[] }>>()

  constructor(events: readonly Envelope[]) {
    for (const envelope of events) {
      const lines = linesOf(envelope)
      if (!lines) continue
      const known = this.#batches.get(envelope.channel) ?? []
      known.push({ id: envelope.id, lines: [...lines] })
      this.#batches.set(envelope.channel, known)
    }
  }

  /** Whether the lines are the next ones of the batch that the event belongs to. */
  hold(envelope: Envelope): boolean {
    const lines = linesOf(envelope)
    const batch = this.#batches.get(envelope.channel)?.find(({ id }) => includes(id, envelope.id))
    if (!lines || !batch) return false
    const next = batch.lines.splice(0, lines.length)
    return lines.every((line, at) => line === next[at])
  }
}

function linesOf({ event, data }: Envelope): readonly string[] | undefined {
  if (event !== 'output_batch') return undefined
  const lines: unknown = (data as { lines?: unknown } | null)?.lines
  return Array.isArray(lines) ? lines : undefined
}

function keyOf({ id, channel, event, data }: Envelope): string {
  const lines = event === 'output_batch' ? JSON.stringify(data) : ''
  return `${id} ${channel} ${event} ${lines}`
}

function shown(envelope: Envelope): string {
  return `${envelope.id} ${isoTime(envelope).slice(11, 23)} ${envelope.event} on ${envelope.channel}`
}
