/**
 * Rejects answers that are older than what the client has already seen. The server never sends one, but a cache in between
 * may, whatever the server's Cache-Control. A state from such an answer would be shown as live and stay wrong; a page of the
 * log would skip events without a gap.
 *
 * Every answer of the API has the id at which it is exact (`Event-Id` for mutations, `Cursor` for reads). If that id is
 * older than the client's cursor, the request is repeated with an address that no cache can know, and fails if that answer
 * is outdated too.
 */
import { parseCursor } from '../../../shared/src/cursor.ts'
import { BoardcastError } from '../base/errors.ts'
import { isBefore, laterOf } from '../base/frames.ts'
import type { Reply } from '../base/types.ts'
import type { Requester } from './request.ts'
import { cursorOfRefusal } from './send.ts'

export interface Freshness {
  /** The requester, without outdated answers. */
  readonly request: Requester
  /** Forgets earlier answers: after a gap the log may be another one, or continue from an earlier id. */
  reset(): void
}

/** `streamCursor`: every event up to there has come by the stream. */
export function keepFresh(ask: Requester, streamCursor: () => string | null): Freshness {
  /** The newest cursor of any answer. */
  let answered: string | null = null
  /** Epochs that this client has seen replaced. */
  const pastEpochs = new Set<string>()
  let epoch: string | undefined

  function known(): string | null {
    const id = laterOf(answered, streamCursor())
    const now = id === null ? undefined : parseCursor(id)?.epoch
    if (now !== undefined && now !== epoch) {
      if (epoch !== undefined) pastEpochs.add(epoch)
      pastEpochs.delete(now)
      epoch = now
    }
    return id
  }

  function isOutdated(id: string | null, notBefore: string | null): boolean {
    if (id === null || notBefore === null) return false
    const cursor = parseCursor(id)
    if (!cursor) return false
    return pastEpochs.has(cursor.epoch) || isBefore(id, notBefore)
  }

  const request: Requester = async <T>(...asked: Parameters<Requester>) => {
    const [method, path, ...rest] = asked
    const notBefore = known()
    if (method !== 'GET') {
      const reply = await ask<T>(...asked)
      // Not from a cache, so it is right even if its id is older.
      answered = reply.eventId ?? answered
      return reply
    }
    const first = await outcomeOf(ask<T>(...asked))
    if (!isOutdated(first.cursor, notBefore)) {
      answered = laterOf(answered, first.cursor)
      return first.settle()
    }
    const second = await outcomeOf(ask<T>(method, pastCaches(path), ...rest))
    if (!isOutdated(second.cursor, notBefore)) return second.settle()
    throw outdated(`${method} ${path}`, second.cursor, notBefore)
  }

  return {
    request,
    reset() {
      answered = null
    },
  }
}

interface Outcome<T> {
  /** The id at which the answer is exact; null if it has none. */
  readonly cursor: string | null
  /** Returns the reply, or throws the refusal. */
  settle(): Reply<T>
}

/** A cache may also keep a 404. */
async function outcomeOf<T>(asking: Promise<Reply<T>>): Promise<Outcome<T>> {
  try {
    const reply = await asking
    return { cursor: reply.eventId, settle: () => reply }
  } catch (error) {
    return {
      cursor: cursorOfRefusal(error),
      settle() {
        throw error
      },
    }
  }
}

export function outdated(what: string, id: string | null, notBefore: string | null): BoardcastError {
  return new BoardcastError(
    'unreachable',
    `${what}: the answer is from ${id}, older than ${notBefore}, which this client has already had. A cache in between keeps answers of the API, and must not.`,
  )
}

/** The server ignores the parameter. */
function pastCaches(path: string): string {
  const [number = 0] = crypto.getRandomValues(new Uint32Array(1))
  return `${path}${path.includes('?') ? '&' : '?'}_=${number.toString(36)}`
}
