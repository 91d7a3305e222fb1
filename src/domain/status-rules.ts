/**
 * Rules for a status that clients drive, such as that of a task or a session: it may change to any other until it is
 * final. The statuses of attempts have stricter rules (attempt-status.ts).
 */
import { Problem } from '../base/errors.ts'

export interface StatusRules<Status extends string> {
  isFinal(status: Status): boolean
  /** Returns whether the status changes. Throws `invalid_transition` when `from` is final, even if `to` is the same. */
  checkChange(from: Status, to: Status): boolean
}

/** `thing` names the resource in the error sentence, such as `task`. */
export function statusRules<Status extends string>(thing: string, final: readonly Status[]): StatusRules<Status> {
  return {
    isFinal: (status) => final.includes(status),
    checkChange(from, to) {
      if (!final.includes(from)) return from !== to
      throw new Problem(
        'invalid_transition',
        `The status of this ${thing} cannot go from ${from} to ${to}: it has ended; create a new ${thing}.`,
      )
    },
  }
}
