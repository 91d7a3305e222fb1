/** Hooks over a board: as a kanban board, and as a list of issues. */
import type { BoardState, Card } from '../../../shared/src/types/kanban.ts'
import type { Frame } from '../base/types.ts'
import type { FrameOf, Payloads } from '../hub/payloads.ts'
import '../stores/all-stores.ts'
import type { CreateCard, DeleteCard, MoveCard, UpdateCard } from '../stores/mutations.ts'
import { NO_BOARD, withHandledRejection } from '../stores/stores.ts'
import { type Connected, useConnected } from './connection.ts'
import { type Framework, useLatest, useSelected, useStoreOf, useSubscription, useValue } from './framework.ts'

type Family = 'board' | 'column' | 'card' | 'attempt' | 'git'
/** An event on a board, by its name. A newer server may send other names than these. */
export type BoardEvent = FrameOf<
  Extract<keyof Payloads, `${Family}_${string}` | 'conversation_item' | `agent_${string}`>
>

export interface KanbanOptions {
  /** Gets every event on the board once, in order, when it comes and not once per render. */
  readonly onEvent?: ((event: BoardEvent) => void) | undefined
}

export interface Kanban extends Connected {
  /** With the mutations in flight; null until it was read. */
  readonly state: BoardState | null
  /** `state` may be out of date. */
  readonly stale: boolean
  /** Why the board could not be read, is gone, or refused the last mutation. */
  readonly error: Error | null
  /** Shows at once. Rejects if the server refuses; if nothing awaits it, the refusal shows in `error`. */
  moveCard(move: OnBoard<MoveCard>): Promise<Card>
  createCard(card: OnBoard<CreateCard>): Promise<Card>
  updateCard(change: OnBoard<UpdateCard>): Promise<Card>
  deleteCard(deletion: OnBoard<DeleteCard>): Promise<void>
}

type OnBoard<Input> = Omit<Input, 'boardId'>

/** A board, live; `null` means off. */
export function useKanban(fw: Framework, boardId: string | null, { onEvent }: KanbanOptions = {}): Kanban {
  const hub = fw.useHub()
  const board = useStoreOf(fw, (hub, id) => hub.board(id), boardId)
  const { state, phase, error } = useValue(fw, board, NO_BOARD)
  const connected = useConnected(fw)
  const event = useLatest(fw, onEvent)
  // The subscription of a board that is gone has ended. A board that comes back needs another.
  const key = onEvent && phase !== 'gone' ? boardId : null
  useSubscription(fw, key, () => ({ channels: [`board:${boardId}`] }), { event: event as (frame: Frame) => void })

  const mutations = fw.useMemo(() => {
    if (!hub || boardId === null) return OFF
    const { moveCard, createCard, updateCard, deleteCard } = hub.mutate
    return {
      moveCard: (move: OnBoard<MoveCard>) => moveCard({ ...move, boardId } as MoveCard),
      createCard: (card: OnBoard<CreateCard>) => createCard({ ...card, boardId } as CreateCard),
      updateCard: (change: OnBoard<UpdateCard>) => updateCard({ ...change, boardId } as UpdateCard),
      deleteCard: (deletion: OnBoard<DeleteCard>) => deleteCard({ ...deletion, boardId }),
    }
  }, [hub, boardId])
  return { ...connected, state, error, stale: phase === 'stale', ...mutations }
}

const refuse = withHandledRejection(async (): Promise<never> => {
  throw new Error('There is no board: the hook was given null, or the page is rendered on a server.')
})
const OFF = { moveCard: refuse, createCard: refuse, updateCard: refuse, deleteCard: refuse }

/** A card as issue trackers see it. */
export interface Issue extends Card {
  /** The key of its column, or its title. */
  readonly status: string
}

export interface IssueOptions {
  /** Gets every `issue_created`, `issue_updated`, `status_changed`, ... of the project once, in order. */
  readonly onIssue?: ((event: Frame) => void) | undefined
}

export interface IssueUpdates {
  /** In the order of the board: column by column, from the top. */
  readonly issues: readonly Issue[]
  readonly connected: boolean
  /** Why the board could not be read, or is gone. */
  readonly error: Error | null
}

const NO_ISSUES: readonly Issue[] = []
const ISSUE_TYPES = ['issue_*', 'status_changed', 'stage_changed', 'agent_assigned']

/** The issues of a project, live; `null` means off. A project is a board, and its issues are the cards. */
export function useIssues(fw: Framework, projectId: string | null, { onIssue }: IssueOptions = {}): IssueUpdates {
  const board = useStoreOf(fw, (hub, id) => hub.board(id), projectId)
  const state = useSelected(fw, board, (value) => value.state, null)
  const error = useSelected(fw, board, (value) => value.error, null)
  const isGone = useSelected(fw, board, ({ phase }) => phase === 'gone', false)
  const issues = fw.useMemo(() => (state ? issuesOf(state) : NO_ISSUES), [state])
  const { connected } = useConnected(fw)
  const event = useLatest(fw, onIssue)
  const key = onIssue && !isGone ? projectId : null
  useSubscription(fw, key, () => ({ channels: [`project:${projectId}`], types: ISSUE_TYPES }), { event })
  return { issues, connected, error }
}

function issuesOf({ columnOrder, columns, cards }: BoardState): readonly Issue[] {
  return columnOrder.flatMap((columnId) => {
    const column = columns[columnId]
    if (!column) return []
    return column.cardIds.flatMap((id) => {
      const card = cards[id]
      return card ? [{ ...card, status: column.key ?? column.title }] : []
    })
  })
}
