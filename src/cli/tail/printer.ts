/** An event as text: for people, as JSON, or as it came. */

import { printable } from '../../text/printable.ts'
import type { Data } from '../process/output.ts'
import type { Envelope } from '../stream/envelope.ts'
import type { EventItem } from '../stream/event-source.ts'
import type { Format } from './formats.ts'

export function printerOf(format: Format | undefined, data: Data): (item: EventItem) => string {
  switch (format ?? (data.isLaidOut ? 'pretty' : 'jsonl')) {
    case 'raw':
      // A message of a socket has no end of its own.
      return ({ raw }) => (raw.endsWith('\n') ? raw : `${raw}\n`)
    case 'jsonl':
      return ({ text }) => `${text}\n`
    default:
      return ({ envelope }) => `${data.fit(prettyOf(envelope, data))}\n`
  }
}

function prettyOf({ timestamp, channel, event, data }: Envelope, { paint }: Data): string {
  const time = new Date(timestamp)
  const shown = Number.isNaN(time.getTime()) ? String(timestamp) : clockTime(time)
  return `${paint('dim', shown)} ${paint('cyan', printable(channel))} ${paint('bold', printable(event))} ${printable(summaryOf(data))}`.trimEnd()
}

function clockTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')
  return `${clock}.${String(time.getMilliseconds()).padStart(3, '0')}`
}

/** Fields whose text says most, in the order in which they are looked for. */
const TEXTS = ['title', 'message', 'content', 'text', 'subject', 'name', 'error'] as const
/** What a resource says about itself rather than about what happened. */
const IGNORED = /At$|^(revision|ts)$/
const LONGEST = 120

/** What an event is about: its texts first, then its other values. Empty and nested values are left out. */
export function summaryOf(data: unknown): string {
  if (typeof data !== 'object' || data === null) return JSON.stringify(data) ?? ''
  const fields = Object.entries(data).flatMap(([name, value]) =>
    // Most payloads have one object that holds what matters: a card, a column, an item, changes.
    isRecord(value) ? Object.entries(value) : [[name, value] as const],
  )
  const isText = (name: string) => TEXTS.some((text) => text === name)
  const texts = fields.filter(([name, value]) => isText(name) && typeof value === 'string').map(([, value]) => value)
  const others = fields
    .filter(([name, value]) => !isText(name) && !IGNORED.test(name) && isShown(value))
    .map(([name, value]) => `${name}=${shown(value)}`)
  return [...texts, ...new Set(others)].join(' ')
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isShown(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0
  return value !== null && value !== '' && value !== false && !isRecord(value)
}

function shown(value: unknown): string {
  const text = typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : (JSON.stringify(value) ?? '')
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}
