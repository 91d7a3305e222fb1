/** Posts of numbered events through a proxy without a pause, and what became of each. */

export interface Posted {
  readonly n: number
  /** The id of the last answer; empty without one. */
  readonly eventId: string
  /** Of every answer, in order; undefined: the connection ended without one. */
  readonly statuses: ReadonlyArray<number | undefined>
}

interface PostOptions {
  readonly url: string
  readonly topic: string
  readonly lanes: number
  readonly pauseMs: number
  /** Repeats it under one key until it is accepted, as users are advised to. */
  readonly isRepeated: boolean
}

/** Statuses after which the same request may be sent again, under the same key. */
const PASSING: ReadonlySet<number | undefined> = new Set([429, 502, 503, 504, undefined])
const LONGEST_PAUSE_MS = 250

export class Posts {
  readonly posted: Posted[] = []
  /** The names of those that have answered. */
  readonly nodes = new Set<string>()
  readonly #options: PostOptions
  readonly #all: Promise<unknown>
  #n = 0
  #isOver = false

  constructor(options: PostOptions) {
    this.#options = options
    this.#all = Promise.all(Array.from({ length: options.lanes }, () => this.#run()))
  }

  /** Resolves when the requests in progress have ended. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#all
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      this.#n += 1
      this.posted.push(await this.#post(this.#n))
      await pause(this.#options.pauseMs)
    }
  }

  async #post(n: number): Promise<Posted> {
    const statuses: Array<number | undefined> = []
    for (;;) {
      const answer = await this.#send(n)
      statuses.push(answer?.status)
      const eventId = answer?.headers.get('Event-Id') ?? ''
      if (!this.#options.isRepeated || !PASSING.has(answer?.status)) return { n, eventId, statuses }
      await pause(1_000 * Number(answer?.headers.get('Retry-After') ?? 0) + Math.random() * LONGEST_PAUSE_MS)
    }
  }

  /** undefined: the connection ended without an answer. */
  async #send(n: number): Promise<Response | undefined> {
    const { url, topic } = this.#options
    try {
      const response = await fetch(`${url}/api/v1/topics/${topic}/events`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': `${topic}-${n}` },
        body: JSON.stringify({ event: 'said', data: { topic, n } }),
      })
      await response.arrayBuffer()
      const node = response.headers.get('Boardcast-Node')
      if (node !== null) this.nodes.add(node)
      return response
    } catch {
      return undefined
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
