/** Writers on one board (writer.ts), each of which does one thing at a time, while all of them work at once. */
import type { ApiClient } from './api.ts'
import { createRandom } from './random.ts'
import { type Plan, Writer } from './writer.ts'

export interface BoardWritersOptions {
  readonly api: ApiClient
  readonly boardId: string
  readonly seed: number
  readonly names?: readonly string[]
  /** Every writer also changes what the others have made: more is refused. */
  readonly isShared?: boolean
}

export class BoardWriters {
  /** The number of answers by status. */
  readonly answers = new Map<number, number>()
  readonly #options: BoardWritersOptions
  readonly #writers: readonly Writer[]
  readonly #chains: Promise<void>[]

  /** Each has a card with an attempt. */
  static async begin(options: BoardWritersOptions): Promise<BoardWriters> {
    const { api, boardId, seed, names = ['ann', 'bob'] } = options
    const random = createRandom(seed)
    const writers = names.map((name) => new Writer({ name, boardId, random }))
    for (const writer of writers) {
      const { body: card } = await api.call('POST', `/boards/${boardId}/cards`, { title: 'a' })
      const { body: attempt } = await api.call('POST', `/cards/${card.id}/attempts`, {
        agent: writer.agent,
        status: 'running',
      })
      writer.cards.push({ id: card.id, attempt: { id: attempt.id, lines: 0 } })
    }
    return new BoardWriters(options, writers)
  }

  private constructor(options: BoardWritersOptions, writers: readonly Writer[]) {
    this.#options = options
    this.#writers = writers
    this.#chains = writers.map(() => Promise.resolve())
  }

  write(mutations: number): void {
    this.#each(async (writer) => {
      for (let n = 0; n < mutations; n++) await this.#carryOut(writer, writer.plan())
    })
  }

  /** More than the kernel buffers for a stalled connection. */
  flood(): void {
    this.#each(async (writer) => {
      for (let batch = 0; batch < 4; batch++) {
        const card = writer.cards.find(({ attempt }) => attempt)
        if (!card?.attempt) return
        await this.#carryOut(writer, writer.bigBatch(card.attempt, 14))
      }
    })
  }

  async done(): Promise<void> {
    await Promise.all(this.#chains)
  }

  #each(work: (writer: Writer) => Promise<void>): void {
    for (const [index, writer] of this.#writers.entries()) {
      this.#chains[index] = (this.#chains[index] ?? Promise.resolve()).then(() => work(writer))
    }
  }

  async #carryOut(writer: Writer, plan: Plan): Promise<void> {
    const reply = await this.#options.api.call(plan.method, plan.path, plan.body)
    const { status } = reply
    this.answers.set(status, (this.answers.get(status) ?? 0) + 1)
    if (status >= 300 && status !== plan.endsOn) return
    const [cards, columns] = [writer.cards.length, writer.columns.length]
    plan.done(reply)
    if (!this.#options.isShared) return
    for (const other of this.#writers) {
      if (other === writer) continue
      other.cards.push(...writer.cards.slice(cards))
      other.columns.push(...writer.columns.slice(columns))
    }
  }
}
