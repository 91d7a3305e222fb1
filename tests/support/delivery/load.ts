/** The load: posts to channels and to everyone, alone, in bursts, and more than a slow reader can take. */
import type { ApiClient } from '../api.ts'
import type { ChildServer } from '../child-server.ts'
import { carryOut } from '../persistent.ts'
import type { Random } from '../random.ts'

export const BOARD = 'demo'
export const CHANNELS = [
  'topic:talk',
  'topic:quiet',
  'agent:ann',
  `board:${BOARD}`,
  `project:${BOARD}`,
  'session:one',
  'global',
] as const

const AWKWARD = ['\u{1F680} ünïcode', 'line\nbreak', 'data: forged\n\nid: 00000000-1', '\r\r\n', '\u2028"\\\u0085', ' ']
const BIG = 'x'.repeat(30 * 1_024)

export interface LoadOptions {
  readonly api: ApiClient
  readonly server: ChildServer
  readonly random: Random
}

export class Load {
  readonly #options: LoadOptions
  readonly #writing: Promise<void>[] = []
  readonly #cards: string[] = []
  #attempt = ''
  #count = 0
  #isWriting = true
  /** Ids in successful answers. */
  readonly acknowledged: string[] = []

  constructor(options: LoadOptions) {
    this.#options = options
  }

  async prepare(): Promise<void> {
    await this.#post('/boards', { id: BOARD, name: 'Demo' })
    await this.#post('/sessions', { id: 'one', boardId: BOARD })
    const card = await this.#post(`/boards/${BOARD}/cards`, { title: 'Watched' })
    this.#cards.push(card.id)
    this.#attempt = (await this.#post(`/cards/${card.id}/attempts`, { agent: 'ann', status: 'running' })).id
  }

  begin(writers: number): void {
    for (let n = 0; n < writers; n++) this.#writing.push(this.#write())
  }

  async end(): Promise<void> {
    this.#isWriting = false
    await Promise.all(this.#writing)
  }

  async #write(): Promise<void> {
    const { random } = this.#options
    while (this.#isWriting) {
      await this.#one(random.below(100))
      if (random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, random.below(40)))
    }
  }

  async #one(dice: number): Promise<void> {
    const { random } = this.#options
    const n = this.#count++
    const text = `${n} ${random.pick(AWKWARD)}`
    const everyone = { id: random.pick(['ann', 'bob', 'cid']), label: text }
    if (dice < 25) await this.#post('/topics/talk/events', { event: 'said', data: { n, text } })
    else if (dice < 28) await this.#post('/topics/quiet/events', { event: 'whispered', data: { n } })
    else if (dice < 40) await this.#post('/agents', everyone)
    else if (dice < 45) await this.#post('/messages', { from_agent: 'bob', content: { n, text } })
    else if (dice < 50) await this.#post('/messages', { from_agent: 'bob', to_agent: 'ann', content: text })
    else if (dice < 55) await this.#post('/agent-profiles', { agent: 'ann', name: text.slice(0, 60), config: {} })
    else if (dice < 65) await this.#post('/agents/ann/output', { lines: [`${n} a ${text}`, `${n} b`] })
    else if (dice < 70) await this.#post('/sessions/one/output', { content: text, type: 'stdout' })
    else if (dice < 82) await this.#card(text)
    else if (dice < 92)
      await this.#post(`/attempts/${this.#attempt}/logs`, { lines: this.#lines(n, 1 + random.below(8)) })
    else if (dice < 98) await this.#burst(40)
    else await this.#post(`/attempts/${this.#attempt}/logs`, { lines: this.#lines(n, 10, BIG) })
  }

  async #card(title: string): Promise<void> {
    const { random } = this.#options
    const card = random.pick(this.#cards)
    if (card === undefined || random.chance(0.3)) {
      const { id } = await this.#post(`/boards/${BOARD}/cards`, { title })
      this.#cards.push(id)
    } else if (random.chance(0.5)) {
      await this.#call('PATCH', `/cards/${card}`, { title })
    } else await this.#post(`/cards/${card}/move`, { columnKey: random.pick(['backlog', 'review']), index: 0 })
  }

  /** In one turn of the server, or a few. */
  async #burst(count: number): Promise<void> {
    await Promise.all(
      Array.from({ length: count }, () => {
        const n = this.#count++
        return n % 7 === 0
          ? this.#post('/agents', { id: 'ann', label: `burst ${n}` })
          : this.#post('/topics/talk/events', { event: 'said', data: { n } })
      }),
    )
  }

  #lines(n: number, count: number, padding = ''): Array<{ message: string }> {
    return Array.from({ length: count }, (_, line) => ({ message: `${n}.${line} ${padding}` }))
  }

  #post(path: string, body: unknown) {
    return this.#call('POST', path, body)
  }

  async #call(method: 'POST' | 'PATCH', path: string, body: unknown) {
    const { api, server } = this.#options
    const reply = await carryOut({ kind: '', method, path, body, done: () => {} }, api, server)
    if (reply.status < 300) this.acknowledged.push(reply.eventId)
    else if (reply.status !== 409) throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`)
    return reply.body
  }
}
