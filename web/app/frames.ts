/** The frames that the page acts on, with their payloads. */
import type { GapReason } from '../../shared/src/protocol.ts'
import type { AttemptStatus, Board, BoardState, LogLine } from '../../shared/src/types/kanban.ts'
import type { Frame } from './stream.ts'

export interface AttemptStatusChange {
  attemptId: string
  cardId: string
  agent: string
  status: AttemptStatus
  exitCode: number | null
  error: string | null
  /** Sent again to a listener that has just come: fills a badge, and is no news. */
  replayed?: true
}

export interface ProjectSnapshot {
  boardId: string
  name: string
  totalCards: number
  openCards: number
  activeAttempts: number
}

interface Payloads {
  hello: { serverTime: string; connectionId: string; resumed: boolean; heartbeatMs: number }
  gap: { requested: string; oldest: string; reason: GapReason }
  state: BoardState
  board_updated: { boardId: string; changes: Partial<Pick<Board, 'name' | 'description'>> }
  attempt_status: AttemptStatusChange
  attempt_log: LogLine & { attemptId: string }
  dashboard_overview: { projectSnapshots: ProjectSnapshot[] }
}

export type KnownFrame = { [Event in keyof Payloads]: { event: Event; data: Payloads[Event] } }[keyof Payloads]

const KNOWN: Readonly<Record<keyof Payloads, true>> = {
  hello: true,
  gap: true,
  state: true,
  board_updated: true,
  attempt_status: true,
  attempt_log: true,
  dashboard_overview: true,
}

/** The frame with its type, when the page acts on it. The server's schemas have checked the payload: it is not checked again. */
export function known(frame: Frame): KnownFrame | undefined {
  const isKnown = Object.hasOwn(KNOWN, frame.event) && typeof frame.data === 'object' && frame.data !== null
  return isKnown ? (frame as KnownFrame) : undefined
}
