/**
 * The pill that says how the stream is. Only its words are announced (role=status), when the phase changes; the id and the
 * time beside it change with every frame and would never let a screen reader come to rest.
 */
import { clock } from './clock.ts'
import { element, icon } from './element.ts'
import { oncePerFrame } from './once-per-frame.ts'
import type { Phase } from './phase.ts'

export interface Connection {
  setPhase: (phase: Phase) => void
  /** A frame has come; `lastEventId` is empty while the stream has given none. */
  saw: (lastEventId: string) => void
}

export function showConnection(container: HTMLElement): Connection {
  const pill = element('p', { class: 'pill', role: 'status' })
  const detail = element('p', { class: 'pill-detail' })
  container.replaceChildren(detail, pill)
  let phase: Phase | undefined
  let lastEventId = ''
  let lastFrameAt: Date | undefined
  const drawDetail = oncePerFrame(() => {
    detail.textContent = detailOf(phase, lastEventId, lastFrameAt)
  })

  return {
    setPhase(next) {
      if (next.name === 'connecting') {
        lastEventId = ''
        lastFrameAt = undefined
      }
      phase = next
      pill.dataset.phase = next.name
      pill.replaceChildren(icon(next.name), wordsFor(next))
      drawDetail()
    },
    saw(id) {
      lastEventId = id
      lastFrameAt = new Date()
      drawDetail()
    },
  }
}

function wordsFor(phase: Phase): string {
  switch (phase.name) {
    case 'connecting':
      return 'Connecting'
    case 'live':
      return 'Live'
    case 'gap':
      return 'Gap, fresh state loaded'
    case 'reconnecting':
      return phase.why === 'draining' ? 'Reconnecting, server is restarting' : 'Reconnecting'
    case 'ended':
      return { deleted: 'Ended, board deleted', missing: 'Ended, no such board', forbidden: 'Ended, not allowed' }[
        phase.why
      ]
    default:
      return phase satisfies never
  }
}

function detailOf(phase: Phase | undefined, lastEventId: string, lastFrameAt: Date | undefined): string {
  const id = lastEventId ? `last event ${lastEventId}` : ''
  const isStale = phase?.name === 'reconnecting' || phase?.name === 'ended'
  const since = isStale && lastFrameAt ? `as of ${clock(lastFrameAt)}` : ''
  return [id, since].filter(Boolean).join(', ')
}
