/** `--where`: what the events must say, beside their names. */
import { describeFault, parseCondition } from '../../expect/conditions/parse-condition.ts'
import { SyntaxFault } from '../../expect/conditions/syntax-fault.ts'
import { usageError } from '../process/exit.ts'
import type { Envelope } from '../stream/envelope.ts'

export interface Conditions {
  /** All of them. */
  areMet(envelope: Envelope): boolean
  readonly warnings: readonly string[]
}

const NOTHING_SAVED: ReadonlyMap<string, unknown> = new Map()

/** Throws a usage error. */
export function conditionsOf(texts: readonly string[] = []): Conditions {
  const conditions = texts.map(parsed)
  return {
    areMet: (envelope) => conditions.every((condition) => condition.isMet(envelope, NOTHING_SAVED)),
    warnings: conditions.flatMap(({ text, warning }) => (warning === undefined ? [] : [`--where ${text}: ${warning}`])),
  }
}

function parsed(text: string) {
  try {
    return parseCondition(text)
  } catch (error) {
    if (error instanceof SyntaxFault) throw usageError(`--where ${describeFault(text, error)}.`)
    throw error
  }
}
