/** Compares what a listener received with what the log requires, in a form that shows differences well. */
import { applyEvent } from '../../shared/src/apply-event.ts'
import type { BoardState } from '../../shared/src/types/kanban.ts'
import type { SeenEvent } from './log-reader.ts'
import { bareOf, type ReceivedEvent, SNAPSHOTS } from './received.ts'
import { type Listening, ON_DIFF, sightingsOf } from './sights.ts'

/**
 * What a listener must receive of some events: one text per event and name, in order. The names of one event may come in
 * any order, and lines that streams join are listed one by one.
 */
export function expectedSightings(events: readonly SeenEvent[], listening: Listening, bare: boolean): string[] {
  return events.flatMap((event) =>
    sightingsOf(event, listening)
      .flatMap(({ channel, event: name, lines }) => {
        const where = bare ? '' : `${channel} `
        return lines ? lines.map((line) => `${where}${name} ${line}`) : [`${event.seq} ${where}${name}`]
      })
      .sort(),
  )
}

/** What was received, in the same form, without snapshots. */
export function sightings(frames: readonly ReceivedEvent[], bare: boolean): string[] {
  const all: string[] = []
  let ofEvent: string[] = []
  let seq = 0
  for (const frame of frames) {
    const data = bareOf(frame.text)
    if (SNAPSHOTS.has(frame.event) || data.replayed) continue
    if (frame.seq !== seq) {
      all.push(...ofEvent.sort())
      ofEvent = []
      seq = frame.seq
    }
    const where = bare ? '' : `${JSON.parse(frame.text).channel} `
    if (frame.event !== 'output_batch') ofEvent.push(`${frame.seq} ${where}${frame.event}`)
    else {
      const lines = data.lines.map((line: string) => `${where}output_batch ${line}`)
      // Joined lines are alone under their id, and keep their order.
      if (ofEvent.length === 0 && data.lines.length > 1) all.push(...lines)
      else ofEvent.push(...lines)
    }
  }
  return [...all, ...ofEvent.sort()]
}

/** The first difference of two lists, with its context; null when they are equal. */
export function difference(actual: readonly string[], expected: readonly string[]): string | null {
  const length = Math.max(actual.length, expected.length)
  for (let at = 0; at < length; at++) {
    if (actual[at] === expected[at]) continue
    const show = (list: readonly string[]) => list.slice(Math.max(0, at - 3), at + 4).map((text) => text.slice(0, 120))
    return JSON.stringify(
      { at, lengths: [actual.length, expected.length], actual: show(actual), expected: show(expected) },
      null,
      1,
    )
  }
  return null
}

/** The state of a listener of the `diff` view at the end: its first state with all later events applied. */
export function fold(frames: ReadonlyArray<{ readonly event: string; readonly text: string }>): BoardState {
  let state: BoardState = { boardId: '', columns: {}, columnOrder: [], cards: {} }
  for (const { event, text } of frames) state = applyEvent(state, { event, data: JSON.parse(text) })
  return state
}

/** The state of a board, derived from the log alone, or from an earlier state and the events after it. */
export function foldLog(
  events: readonly SeenEvent[],
  boardId: string,
  before: BoardState = { boardId, columns: {}, columnOrder: [], cards: {} },
): BoardState {
  let state = before
  for (const { type, data } of events) {
    if (data.boardId !== boardId) continue
    if (type === 'board.created') {
      for (const column of data.board.columns) {
        state = applyEvent(state, { event: 'column_created', data: { column, index: state.columnOrder.length } })
      }
    }
    const name = type === 'attempt.queued' || type === 'attempt.status.changed' ? 'attempt_status' : ON_DIFF[type]
    if (name) state = applyEvent(state, { event: name, data })
  }
  return state
}

/** Messages of log lines by attempt, in the order in which they were received. */
export function linesByAttempt(payloads: Iterable<{ attemptId: string; message: string }>): Map<string, string[]> {
  const lines = new Map<string, string[]>()
  for (const { attemptId, message } of payloads) {
    const own = lines.get(attemptId)
    if (own) own.push(message)
    else lines.set(attemptId, [message])
  }
  return lines
}
