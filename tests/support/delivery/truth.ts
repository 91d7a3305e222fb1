/** What a listener must have received according to the log, read over HTTP, and what it lacks. */
import type { ApiClient } from '../api.ts'
import { difference } from '../comparing.ts'
import type { Heard } from '../transports.ts'
import type { Listener, Stretch } from './listeners.ts'

/** Events about a connection, and ephemeral events: none of them is in the log. */
const UNSTORED = new Set(['hello', 'heartbeat', 'gap', 'state', 'draining', 'agent.heartbeat'])

export class Truth {
  readonly #api: ApiClient
  readonly #logs = new Map<string, Promise<readonly Heard[]>>()

  constructor(api: ApiClient) {
    this.#api = api
  }

  /**
   * What is wrong with what a listener received; null when nothing is. Every connection must show exactly what follows its
   * cursor, as far as it went, and all of them together everything up to the end of the log.
   */
  async fault(listener: Listener, start: string): Promise<string | null> {
    const all = await this.#logOf(listener.channels, start)
    const given = new Set<string>()
    for (const [at, stretch] of listener.stretches().entries()) {
      const fault = this.#faultOf(stretch, all, given)
      if (fault) return `${listener.name}, connection ${at}, since ${stretch.since}: ${fault}`
    }
    const missing = flat(all).filter((token) => !given.has(token))
    if (missing.length === 0) return null
    return `${listener.name} lacks ${missing.length} events, the first of them ${missing[0]?.slice(0, 200)}`
  }

  #faultOf({ since, heard }: Stretch, all: readonly Heard[], given: Set<string>): string | null {
    const tokens = flat(heard)
    for (const token of tokens) given.add(token)
    const from = all.findIndex(({ id }) => seqOf(id) > seqOf(since))
    const expected = flat(from < 0 ? [] : all.slice(from)).slice(0, tokens.length)
    return difference(tokens, expected)
  }

  #logOf(channels: readonly string[], start: string): Promise<readonly Heard[]> {
    const key = channels.join()
    let log = this.#logs.get(key)
    if (!log) {
      log = this.#read(key, start)
      this.#logs.set(key, log)
    }
    return log
  }

  async #read(channels: string, start: string): Promise<readonly Heard[]> {
    const heard: Heard[] = []
    for (let after = start; ; ) {
      const page = await this.#api.get(`/events?channels=${channels}&after=${after}&limit=1000`)
      heard.push(...page.events)
      if (!page.more) return heard
      after = page.cursor
    }
  }
}

/** One text for every event under every name, and for every line, because lines may be joined in any way. */
function flat(heard: readonly Heard[]): string[] {
  return heard
    .filter(({ event }) => !UNSTORED.has(event))
    .flatMap(({ channel, event, data, id }) =>
      event === 'output_batch'
        ? data.lines.map((line: string) => `${channel} ${event} ${line}`)
        : [`${id} ${channel} ${event} ${JSON.stringify(data)}`],
    )
}

function seqOf(id: string): number {
  return Number(id.split('-')[1])
}
