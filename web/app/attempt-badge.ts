import type { AttemptStatus } from '../../shared/src/types/kanban.ts'
import { element, icon } from './element.ts'

const WORDS: Readonly<Record<AttemptStatus, string>> = {
  queued: 'Queued',
  running: 'Running',
  stopping: 'Stopping',
  stopped: 'Stopped',
  succeeded: 'Succeeded',
  failed: 'Failed',
}

export function attemptBadge(status: AttemptStatus): HTMLElement {
  return element('span', { class: 'badge', 'data-status': status }, icon(status), WORDS[status] ?? status)
}
