import type { BoardState, Card } from '../../../shared/src/types/kanban.ts'
import type { FrameOf, Payloads } from '../core/payloads.ts'
import type { Frame } from '../core/types.ts'
import { NO_BOARD } from '../stores/initial.ts'
import '../stores/makers.ts'
import type { CreateCard, DeleteCard, MoveCard, UpdateCard } from '../stores/mutations.ts'
import { type Connected, useConnected } from './connection.ts'
import { awaitable, type Framework, useLatest, useStoreOf, useSubscription, useValue } from './framework.ts'

type Family = 'board' | 'column' | 'card' | 'attempt' | 'git'
/** What happens on a board, by its name. Other names than these may come from a newer server. */
export type BoardEvent = FrameOf<
  Extract<keyof Payloads, `${Family}_${string}` | 'conversation_item' | `agent_${string}`>
>

export interface KanbanOptions {
  /** Every event on the board once, in order, as it comes: not once per render. */
  readonly onEvent?: ((event: BoardEvent) => void) | undefined
}

export interface Kanban extends Connected {
  /** With the mutations that are under way; null until it was read. */
  readonly state: BoardState | null
  /** What `state` shows may not be how it is now. */
  readonly stale: boolean
  /** Why the board could not be read, is gone, or refused the last mutation. */
  readonly error: Error | null
  /** Shown at once. Await it to know whether it was done; not awaited, a refusal shows in `error`. */
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
  const channel = boardId === null ? null : `board:${boardId}`
  // What is gone has ended the subscription; one that comes again is another.
  useSubscription(fw, onEvent && phase !== 'gone' ? channel : null, () => ({ channels: [`board:${boardId}`] }), {
    event: event as (frame: Frame) => void,
  })

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

const refuse = awaitable(async (): Promise<never> => {
  throw new Error('There is no board: the hook was given null, or the page is made on a server.')
})
const OFF = { moveCard: refuse, createCard: refuse, updateCard: refuse, deleteCard: refuse }
