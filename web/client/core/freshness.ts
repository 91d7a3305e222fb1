/**
 * Answers that are older than what this client has had already. The server gives none; a cache in between may, whatever
 * the server says of caching. A state that is read from one would be shown as live and stay wrong, and a page of the log
 * would leave out events without a gap.
 *
 * Every answer of the API carries the id that it was made at (`Event-Id`, or `Cursor` where something is read). One that is older than the client's position is
 * asked for again by an address that no cache can know, and is an error when that is no better.
 */
import { parseCursor } from '../../../shared/src/cursor.ts'
import { BoardcastError } from './errors.ts'
import type { Reply } from './hub-core.ts'
import { compareIds, laterOf } from './positions.ts'
import { type Requester, refusedAt } from './request.ts'

export interface Freshness {
  /** As the requester, without answers from the past. */
  readonly request: Requester
  /** What was known is void: the log may be another one, or go on from an earlier place. */
  reset(): void
}

/** `position`: everything up to there has come by the stream. */
export function keepFresh(ask: Requester, position: () => string | null): Freshness {
  /** Of the newest answer. */
  let answered: string | null = null
  /** Logs that this client has left behind. */
  const pastEpochs = new Set<string>()
  let epoch: string | undefined

  function known(): string | null {
    const id = laterOf(answered, position())
    const now = id === null ? undefined : parseCursor(id)?.epoch
    if (now !== undefined && now !== epoch) {
      if (epoch !== undefined) pastEpochs.add(epoch)
      pastEpochs.delete(now)
      epoch = now
    }
    return id
  }

  function isFromThePast(id: string | null, notBefore: string | null): boolean {
    if (id === null || notBefore === null) return false
    const made = parseCursor(id)
    if (!made) return false
    return pastEpochs.has(made.epoch) || compareIds(id, notBefore) < 0
  }

  const request: Requester = async <T>(...asked: Parameters<Requester>) => {
    const [method, path, ...rest] = asked
    const notBefore = known()
    if (method !== 'GET') {
      const reply = await ask<T>(...asked)
      // No cache answers these, so it is believed also where it is older.
      answered = reply.eventId ?? answered
      return reply
    }
    const first = await outcomeOf(ask<T>(...asked))
    if (!isFromThePast(first.at, notBefore)) {
      answered = laterOf(answered, first.at)
      return first.settle()
    }
    const again = await outcomeOf(ask<T>(method, unknownToCaches(path), ...rest))
    if (!isFromThePast(again.at, notBefore)) return again.settle()
    throw outdated(`${method} ${path}`, again.at, notBefore)
  }

  return {
    request,
    reset() {
      answered = null
    },
  }
}

interface Outcome<T> {
  /** The position that it is exact at; null: it does not say. */
  readonly at: string | null
  /** Gives the answer, or throws the refusal. */
  settle(): Reply<T>
}

/** That something is not there may be a cache's word as well. */
async function outcomeOf<T>(asking: Promise<Reply<T>>): Promise<Outcome<T>> {
  try {
    const reply = await asking
    return { at: reply.eventId, settle: () => reply }
  } catch (error) {
    return {
      at: refusedAt(error),
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
function unknownToCaches(path: string): string {
  const [number = 0] = crypto.getRandomValues(new Uint32Array(1))
  return `${path}${path.includes('?') ? '&' : '?'}_=${number.toString(36)}`
}
