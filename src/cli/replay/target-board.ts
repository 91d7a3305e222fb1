/** The board that a recording is put on, in place of its own boards. Its columns stand for those of the same key. */
import type { Api } from '../api/api.ts'
import { Refused } from '../api/api-errors.ts'
import type { Envelope } from '../stream/envelope.ts'
import { domainEvent, type Fields } from './domain-event.ts'
import type { Ids } from './ids.ts'

interface Column {
  readonly id: string
  readonly key: string | null
}

export class TargetBoard {
  readonly #api: Api
  readonly #id: string
  readonly #ids: Ids
  /** Undefined while there is no such board. */
  #columns: readonly Column[] | undefined

  constructor(api: Api, id: string, ids: Ids) {
    this.#api = api
    this.#id = id
    this.#ids = ids
  }

  /** Creates the board if it is missing, unless the recording does. */
  async prepare(recorded: readonly Envelope[]): Promise<void> {
    this.#columns = await this.#columnsOf(this.#id)
    const events = recorded.map(domainEvent)
    if (events.some(({ type }) => type === 'board.created')) return
    const boards = new Set(events.flatMap(({ data }) => (typeof data.boardId === 'string' ? [data.boardId] : [])))
    if (boards.size === 0) return
    if (this.#columns === undefined) {
      const { body } = await this.#api.send('POST', '/boards', { body: { id: this.#id, name: this.#id } })
      this.wasCreated(body as Fields)
    }
    for (const board of boards) this.#learn((await this.#columnsOf(board)) ?? [])
  }

  /** Whether there is a board already that stands for the one that was created. */
  standsFor({ board }: Fields): boolean {
    if (this.#columns === undefined) return false
    this.#learn((board as { columns: readonly Column[] }).columns)
    return true
  }

  wasCreated({ columns }: Fields): void {
    this.#columns = columns as readonly Column[]
  }

  #learn(recorded: readonly Column[]): void {
    for (const { id, key } of recorded) this.#ids.learn(id, this.#columns?.find((column) => column.key === key)?.id)
  }

  /** Undefined: there is no such board, or it is not to be seen. */
  async #columnsOf(board: string): Promise<readonly Column[] | undefined> {
    try {
      const { body } = await this.#api.send('GET', `/boards/${encodeURIComponent(board)}`)
      return (body as { board: { columns: readonly Column[] } }).board.columns
    } catch (error) {
      if (error instanceof Refused) return undefined
      throw error
    }
  }
}
