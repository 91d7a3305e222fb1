/** The messages of the server on a channel socket: their types, parsing, and which events were delivered before. */
import { isControl, isUnstored } from '../base/frames.ts'
import type { Frame } from '../base/types.ts'
import type { Answer } from './join-requests.ts'

export interface ServerEvent extends Frame {
  readonly type?: string
  /** More frames with this id follow, so the channel cannot be resumed from here. */
  readonly more?: boolean
}

export interface ServerMessage extends Answer {
  readonly channel?: string
  readonly message?: string
}

/** A message that cannot be read becomes an error message. */
export function parseMessage(text: string): ServerMessage {
  const unreadable = {
    type: 'error',
    code: 'PARSE_ERROR',
    message: 'the server sent a message that is not a JSON object',
  }
  try {
    return (JSON.parse(text) as ServerMessage | null) ?? unreadable
  } catch {
    return unreadable
  }
}

/** Older events are forgotten. */
const REMEMBERED = 10_000

/** The stored events that were delivered, so that none is delivered twice. */
export class DeliveredEvents {
  readonly #keys = new Set<string>()

  /** False if the event was delivered before. Frames that are not stored share their id with a stored event, and always pass. */
  add({ id, event }: Frame): boolean {
    if (isControl(event) || isUnstored(event)) return true
    const key = `${id} ${event}`
    if (this.#keys.has(key)) return false
    this.#keys.add(key)
    for (const oldest of this.#keys) {
      if (this.#keys.size <= REMEMBERED) break
      this.#keys.delete(oldest)
    }
    return true
  }

  clear(): void {
    this.#keys.clear()
  }
}
