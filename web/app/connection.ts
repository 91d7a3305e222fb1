/**
 * The pill that shows how the stream is. Only its words are announced (role=status), when they change; the id and the time
 * beside it change with every event, and screen readers could not keep up.
 */
import { HEARTBEAT_MS } from '../../shared/src/protocol.ts'
import { oncePerAnimationFrame } from '../client/hooks/animation-frame.ts'
import type { Status } from '../client/index.ts'
import { clock } from './clock.ts'
import { element, icon } from './element.ts'
import { hub } from './hub.ts'

/** `unwatched`: what is shown may be read and not listened to. */
export type Ended = 'deleted' | 'missing' | 'forbidden' | 'unwatched'

type Pill = 'connecting' | 'live' | 'gap' | 'reconnecting' | 'signed-out' | 'ended'

export interface Connection {
  /** Another page is on screen. */
  reset: () => void
  /** Events were lost, and the page shows the current state. Shows until about the next heartbeat. */
  gap: () => void
  /** The page gets no more events, for this reason. */
  ended: (why: Ended) => void
}

const WORDS: Readonly<Record<Exclude<Pill, 'ended'>, string>> = {
  connecting: 'Connecting',
  live: 'Live',
  gap: 'Gap, fresh state loaded',
  reconnecting: 'Reconnecting',
  'signed-out': 'Signed out',
}
const ENDED: Readonly<Record<Ended, string>> = {
  deleted: 'Ended, board deleted',
  missing: 'Ended, no such board',
  forbidden: 'Ended, not allowed',
  unwatched: 'Not live',
}

export function showConnection(container: HTMLElement): Connection {
  const pill = element('p', { class: 'pill', role: 'status' })
  const detail = element('p', { class: 'pill-detail' })
  container.replaceChildren(detail, pill)
  let why: Ended | undefined
  let gapTimer = 0
  const { request: draw } = oncePerAnimationFrame(() => {
    const status = hub.status.get()
    const name = why ? 'ended' : pillOf(status, gapTimer !== 0)
    const words = name === 'ended' ? ENDED[why ?? 'forbidden'] : WORDS[name]
    if (pill.dataset.phase !== name || pill.textContent !== words) {
      pill.dataset.phase = name
      pill.replaceChildren(icon(name === 'signed-out' ? 'ended' : name), words)
    }
    detail.textContent = detailOf(name, status)
  })

  function setGap(isGap: boolean): void {
    clearTimeout(gapTimer)
    gapTimer = isGap ? setTimeout(() => setGap(false), HEARTBEAT_MS) : 0
    draw()
  }

  hub.status.subscribe(draw)
  draw()
  return {
    reset() {
      why = undefined
      setGap(false)
    },
    gap: () => setGap(true),
    ended(reason) {
      why = reason
      draw()
    },
  }
}

/** Why the whole stream was refused for good, if it was. */
export function refusalOf({ stop }: Status): 'forbidden' | undefined {
  return stop?.reason === 'forbidden' ? 'forbidden' : undefined
}

function pillOf(status: Status, isGap: boolean): Pill {
  switch (status.phase) {
    case 'idle':
    case 'connecting':
      return 'connecting'
    case 'open':
    case 'catching-up':
      return isGap ? 'gap' : 'live'
    case 'stopped':
      if (status.stop?.reason === 'unauthenticated') return 'signed-out'
      return refusalOf(status) ? 'ended' : 'reconnecting'
    default:
      return 'reconnecting'
  }
}

function detailOf(pill: Pill, { lastEventId, lastFrameAt }: Status): string {
  const id = lastEventId ? `last event ${lastEventId}` : ''
  const isStale = pill === 'reconnecting' || pill === 'signed-out' || pill === 'ended'
  const since = isStale && lastFrameAt ? `as of ${clock(new Date(lastFrameAt))}` : ''
  return [id, since].filter(Boolean).join(', ')
}
