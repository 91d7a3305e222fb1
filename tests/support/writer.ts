/**
 * A writer on a board: it plans random mutations one by one from what it knows of its own cards and attempts. Refusals
 * (409, 404) are expected, because several writers change one board.
 */
import type { Method, Reply } from './api.ts'
import type { Random } from './random.ts'

export interface Plan {
  readonly kind: string
  readonly method: Method
  readonly path: string
  readonly body?: unknown
  /** Refusals that mean the same as 2xx for a repeated request. */
  readonly endsOn?: number
  /** Updates the knowledge of the writer. */
  done(reply: Reply): void
}

interface OwnCard {
  readonly id: string
  attempt: { readonly id: string; lines: number } | null
}

export interface WriterOptions {
  readonly name: string
  readonly boardId: string
  readonly random: Random
  /** The maximum number of lines in a batch. */
  readonly maxBatch?: number
}

const MAX_CARDS = 12
const KEYS = ['backlog', 'in_progress', 'review', 'done']
const BIG = 'x'.repeat(60 * 1024)
const FINAL = ['succeeded', 'failed'] as const
const AWKWARD = ['\u{1F680} ünïcode', 'line\nbreak', 'data: forged\n\nid: 00000000-1', '\r\r\n', '\u2028"\\', ' ']

export class Writer {
  readonly cards: OwnCard[] = []
  readonly columns: string[] = []
  /** Attempt -> the number of its lines that were answered 2xx. */
  readonly lines = new Map<string, number>()
  readonly #options: WriterOptions
  #planned = 0

  constructor(options: WriterOptions) {
    this.#options = options
  }

  get agent(): string {
    return `agent-${this.#options.name}`
  }

  plan(): Plan {
    const { random } = this.#options
    this.#planned += 1
    const card = random.pick(this.cards)
    if (!card) return this.#create()
    const dice = random.below(100)
    if (dice < 16) return this.cards.length < MAX_CARDS ? this.#create() : this.#remove(card)
    if (dice < 34) return this.#edit(card)
    if (dice < 48) return this.#move(card)
    if (dice < 52) return this.#remove(card)
    if (dice < 58) return this.#column()
    if (dice < 60) return this.#about()
    return card.attempt ? this.#work(card, card.attempt) : this.#start(card)
  }

  /** A batch of lines for one of its attempts: `<attempt> <number> <padding>`, numbers without gaps. */
  batch(attempt: NonNullable<OwnCard['attempt']>): Plan {
    const { random, maxBatch = 12 } = this.#options
    const padding = () => `${random.pick(AWKWARD)}${'x'.repeat(random.below(200))}`
    return this.#lines(attempt, 1 + random.below(maxBatch), padding)
  }

  /** The same with lines of 60 KiB. */
  bigBatch(attempt: NonNullable<OwnCard['attempt']>, count: number): Plan {
    return this.#lines(attempt, count, () => BIG)
  }

  #lines(attempt: NonNullable<OwnCard['attempt']>, count: number, padding: () => string): Plan {
    const lines = Array.from({ length: count }, (_, index) => ({
      message: `${attempt.id} ${attempt.lines + index} ${padding()}`,
      stream: this.#options.random.chance(0.5) ? 'stdout' : 'stderr',
    }))
    return post('lines', `/attempts/${attempt.id}/logs`, { lines }, () => {
      attempt.lines += count
      this.lines.set(attempt.id, attempt.lines)
    })
  }

  #create(): Plan {
    const { random, boardId } = this.#options
    const waitsFor = random.chance(0.15) ? [random.pick(this.cards)?.id].filter((id) => id !== undefined) : []
    const body = {
      title: this.#text('card'),
      columnKey: random.pick(waitsFor.length > 0 ? ['backlog', 'review'] : KEYS),
      index: random.below(6),
      dependsOn: waitsFor,
      ...(random.chance(0.3) && { assignedAgentId: this.agent }),
    }
    return post('card', `/boards/${boardId}/cards`, body, (reply) =>
      this.cards.push({ id: reply.body.id, attempt: null }),
    )
  }

  #edit({ id }: OwnCard): Plan {
    const { random } = this.#options
    const edits: object[] = [
      { title: this.#text('title'), description: this.#text('description') },
      { labels: [this.#text('label').trim()], priority: random.pick(['low', 'high', null]) },
      { assignedAgentId: random.chance(0.5) ? this.agent : null, title: this.#text('title') },
      { dependsOn: [random.pick(this.cards)?.id ?? id] },
      { stage: random.pick(['BACKLOG', 'TODO', 'CONTEXT_PACK']) },
    ]
    return { kind: 'edit', method: 'PATCH', path: `/cards/${id}`, body: random.pick(edits), done: () => {} }
  }

  #move({ id }: OwnCard): Plan {
    const { random } = this.#options
    const columnId = random.chance(0.2) ? random.pick(this.columns) : undefined
    const to = columnId ? { columnId } : { columnKey: random.pick(KEYS) }
    return post('move', `/cards/${id}/move`, { ...to, index: random.below(8) })
  }

  #remove(card: OwnCard): Plan {
    const done = () => {
      this.cards.splice(this.cards.indexOf(card), 1)
    }
    return { kind: 'remove', method: 'DELETE', path: `/cards/${card.id}`, endsOn: 404, done }
  }

  #column(): Plan {
    const { random, boardId } = this.#options
    const id = random.pick(this.columns)
    if (!id || this.columns.length < 2) {
      const body = { title: this.#text('column'), index: random.below(5) }
      return post('column', `/boards/${boardId}/columns`, body, (reply) => this.columns.push(reply.body.id))
    }
    if (random.chance(0.3)) {
      const done = () => {
        this.columns.splice(this.columns.indexOf(id), 1)
      }
      return { kind: 'column', method: 'DELETE', path: `/columns/${id}`, endsOn: 404, done }
    }
    const body = { title: this.#text('column'), index: random.below(6) }
    return { kind: 'column', method: 'PATCH', path: `/columns/${id}`, body, done: () => {} }
  }

  /** Events about the board, or for everyone. */
  #about(): Plan {
    const { random, boardId } = this.#options
    if (random.chance(0.5)) return post('agent', '/agents', { id: this.agent, label: this.#text('label') })
    const body = { description: this.#text('board') }
    return { kind: 'board', method: 'PATCH', path: `/boards/${boardId}`, body, done: () => {} }
  }

  #start(card: OwnCard): Plan {
    const status = this.#options.random.chance(0.8) ? 'running' : 'queued'
    return post('attempt', `/cards/${card.id}/attempts`, { agent: this.agent, status }, (reply) => {
      card.attempt = { id: reply.body.id, lines: 0 }
      this.lines.set(reply.body.id, 0)
    })
  }

  #work(card: OwnCard, attempt: NonNullable<OwnCard['attempt']>): Plan {
    const { random } = this.#options
    const dice = random.below(20)
    if (dice < 15) return this.batch(attempt)
    if (dice === 15) {
      const item = { type: 'message', role: 'assistant', text: this.#text('said') }
      return post('conversation', `/attempts/${attempt.id}/conversation`, item)
    }
    if (dice === 16) {
      const items = [{ text: this.#text('todo'), status: 'open' }]
      return { kind: 'todos', method: 'PUT', path: `/attempts/${attempt.id}/todos`, body: { items }, done: () => {} }
    }
    const status = random.pick(FINAL)
    const done = () => {
      card.attempt = null
    }
    return { kind: 'end', method: 'PATCH', path: `/attempts/${attempt.id}`, body: { status }, endsOn: 409, done }
  }

  /** Unique among all writers, so that it can be found in the log. */
  #text(what: string): string {
    const { random, name } = this.#options
    return `${what} ${name}.${this.#planned} ${random.pick(AWKWARD)}`
  }
}

function post(kind: string, path: string, body: unknown, done: (reply: Reply) => void = () => {}): Plan {
  return { kind, method: 'POST', path, body, done }
}
