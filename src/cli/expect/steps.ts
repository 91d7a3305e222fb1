/** The expectations of the command line: `--where`, `--count` and `--name` belong to the `--type` or `--absent` before. */

import type { Condition } from '../../expect/conditions/condition.ts'
import { describeFault, parseCondition } from '../../expect/conditions/parse-condition.ts'
import { SyntaxFault } from '../../expect/conditions/syntax-fault.ts'
import { type Count, NONE, parseCount } from '../../expect/scenario/count.ts'
import { type Expectation, expectation } from '../../expect/scenario/scenario.ts'
import { listOf } from '../../text/glob.ts'
import { usageError } from '../process/exit.ts'
import type { GivenOption } from './options.ts'

interface Draft {
  readonly type: string
  readonly isAbsence: boolean
  readonly conditions: Condition[]
  count?: Count
  name?: string
}

/** Throws a usage error. */
export function stepsFrom(given: readonly GivenOption[]): Expectation[] {
  const drafts: Draft[] = []
  for (const { option, value } of given) {
    if (option === 'type' || option === 'absent') drafts.push(draftOf(option, value))
    else addTo(drafts.at(-1), option, value)
  }
  return drafts.map(({ isAbsence, count, ...draft }) => expectation({ ...draft, count: isAbsence ? NONE : count }))
}

function draftOf(option: string, value: string): Draft {
  const globs = listOf([value])
  if (globs.length === 0) throw usageError(`--${option} needs the name of an event, such as card.created or card.*.`)
  return { type: globs.join(','), isAbsence: option === 'absent', conditions: [] }
}

function addTo(draft: Draft | undefined, option: string, value: string): void {
  if (!draft) throw usageError(`--${option} ${value} belongs to the --type or --absent before it, and there is none.`)
  if (option === 'where') draft.conditions.push(conditionOf(value))
  else if (option === 'name') draft.name = value
  else if (draft.isAbsence) throw usageError(`--count ${value}: --absent takes no count. Use --type with ..${value}.`)
  else draft.count = countOf(value)
}

function conditionOf(text: string): Condition {
  try {
    return parseCondition(text)
  } catch (error) {
    if (error instanceof SyntaxFault) throw usageError(`--where ${describeFault(text, error)}`)
    throw error
  }
}

function countOf(text: string): Count {
  const count = parseCount(text)
  if (typeof count === 'string') throw usageError(`--count "${text}" ${count}`)
  return count
}
