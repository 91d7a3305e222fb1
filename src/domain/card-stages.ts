import type { Stage } from '../../shared/src/types/kanban.ts'
import { Problem } from '../base/errors.ts'

/** The stages that may follow each stage. */
const NEXT: Readonly<Record<Stage, readonly Stage[]>> = {
  BACKLOG: ['TODO'],
  TODO: ['CONTEXT_PACK'],
  CONTEXT_PACK: ['CONTEXT_REVIEW'],
  CONTEXT_REVIEW: ['SPEC', 'IMPLEMENT'],
  SPEC: ['SPEC_REVIEW'],
  SPEC_REVIEW: ['IMPLEMENT', 'SPEC'],
  IMPLEMENT: ['PR_REVIEW'],
  PR_REVIEW: ['PR_HUMAN_REVIEW'],
  PR_HUMAN_REVIEW: ['FIXER', 'TESTING'],
  FIXER: ['PR_REVIEW'],
  TESTING: ['DOC_REVIEW', 'IMPLEMENT'],
  DOC_REVIEW: ['MERGE_READY'],
  MERGE_READY: ['DONE'],
  DONE: [],
}

/** Throws `invalid_transition` unless the change is allowed. A card without a stage may enter any; none may lose its stage. */
export function refuseStageChange(from: Stage | null, to: Stage | null): void {
  if (from === null || from === to) return
  const allowed = NEXT[from]
  if (to !== null && allowed.includes(to)) return
  const fix = allowed.length === 0 ? `${from} is the last stage.` : `From ${from} it may go to ${allowed.join(' or ')}.`
  throw new Problem('invalid_transition', `stage cannot change from ${from} to ${to ?? 'null'}. ${fix}`)
}
