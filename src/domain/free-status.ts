/** Lives that others lead: statuses that may change to any other, until a final one is reached. */
import { Problem } from '../base/errors.ts'

export interface FreeStatus<Status extends string> {
  isFinal(status: Status): boolean
  /** Whether it is a change at all. Throws `invalid_transition` when `from` is final, also when `to` is the same. */
  changes(from: Status, to: Status): boolean
}

/** `thing` names what has such a status in the sentence of a refusal. */
export function freeStatus<Status extends string>(thing: string, final: readonly Status[]): FreeStatus<Status> {
  return {
    isFinal: (status) => final.includes(status),
    changes(from, to) {
      if (!final.includes(from)) return from !== to
      throw new Problem(
        'invalid_transition',
        `The status of this ${thing} cannot go from ${from} to ${to}: it has ended; make a new ${thing}.`,
      )
    },
  }
}
