import type { BoardState, Card } from '../../../shared/src/types/kanban.ts'
import type { Frame } from '../core/types.ts'
import '../stores/makers.ts'
import { useConnected } from './connection.ts'
import { type Framework, useLatest, useSelected, useStoreOf, useSubscription } from './framework.ts'

/** A card as issue trackers see it. */
export interface Issue extends Card {
  /** The key of its column, or its title. */
  readonly status: string
}

export interface IssueOptions {
  /** `issue_created`, `issue_updated`, `status_changed`, ... of the project: every one once, in order. */
  readonly onIssue?: ((event: Frame) => void) | undefined
}

export interface IssueUpdates {
  /** In the order of the board: column by column, from the top. */
  readonly issues: readonly Issue[]
  readonly connected: boolean
  /** Why the board could not be read, or is gone. */
  readonly error: Error | null
}

const NONE: readonly Issue[] = []
const TYPES = ['issue_*', 'status_changed', 'stage_changed', 'agent_assigned']

/** The issues of a project, live; `null` means off. A project is a board, and its issues are the cards. */
export function useIssues(fw: Framework, projectId: string | null, { onIssue }: IssueOptions = {}): IssueUpdates {
  const board = useStoreOf(fw, (hub, id) => hub.board(id), projectId)
  const state = useSelected(fw, board, (value) => value.state, null)
  const error = useSelected(fw, board, (value) => value.error, null)
  const isGone = useSelected(fw, board, ({ phase }) => phase === 'gone', false)
  const issues = fw.useMemo(() => (state ? issuesOf(state) : NONE), [state])
  const { connected } = useConnected(fw)
  const event = useLatest(fw, onIssue)
  const key = onIssue && !isGone && projectId !== null ? projectId : null
  useSubscription(fw, key, () => ({ channels: [`project:${projectId}`], types: TYPES }), { event })
  return { issues, connected, error }
}

export function issuesOf({ columnOrder, columns, cards }: BoardState): readonly Issue[] {
  return columnOrder.flatMap((columnId) => {
    const column = columns[columnId]
    if (!column) return []
    return column.cardIds.flatMap((id) => {
      const card = cards[id]
      return card ? [{ ...card, status: column.key ?? column.title }] : []
    })
  })
}
