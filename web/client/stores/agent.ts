/** One agent: what it printed, and the mail that it got. */
import type { Message } from '../../../shared/src/types/messages.ts'
import type { HubCore } from '../core/hub-core.ts'
import { compareIds } from '../core/positions.ts'
import type { Frame } from '../core/types.ts'
import { perHub } from './per-hub.ts'
import { type ResourceStore, resourceStore, type Standing } from './resource.ts'
import { TAIL_LIMIT, Tail } from './tail.ts'

/** As the event tells it. */
export type AgentMessage = Pick<
  Message,
  'message_id' | 'from_agent' | 'to_agent' | 'topic' | 'content' | 'priority' | 'expires_at'
>

export interface OutputLine {
  /** Grows by one from line to line, for as long as the store is open. */
  readonly key: number
  readonly text: string
  /** Milliseconds since 1970. */
  readonly timestamp: number
}

export interface AgentValue extends Standing {
  /** To the agent and to everyone, oldest first, the last 1,000. */
  readonly messages: readonly AgentMessage[]
  /** The last 1,000 lines, oldest first. */
  readonly output: readonly OutputLine[]
  readonly outputCount: number
}

type Item = { readonly id: string } & Printed
type Printed = { readonly timestamp: number } & ({ readonly content: string } | { readonly lines: readonly string[] })

interface Known {
  messages: readonly AgentMessage[]
  readonly output: Tail<OutputLine>
  /**
   * Lines that were read and will come again. They are counted, not told by their ids: a stream joins neighbouring lines
   * into one `output_batch` (K11), whose id is that of the last, and of which the first half may be known.
   */
  repeated: number
}

export function agentStore(hub: HubCore, id: string): ResourceStore<AgentValue> {
  const path = `/agents/${encodeURIComponent(id)}`
  return resourceStore<Known, AgentValue>(hub, {
    channels: [`agent:${id}`],
    types: ['output', 'output_batch', 'message.*'],
    async load(heard) {
      const { body } = await hub.request<{ items: Item[] }>('GET', `${path}/output?tail=${TAIL_LIMIT}`)
      const mail = await hub.request<{ messages: AgentMessage[] }>('GET', `${path}/messages?limit=${TAIL_LIMIT}`)
      const output = new Tail<OutputLine>()
      let repeated = 0
      for (const item of body.items) {
        const lines = linesOf(item)
        print(output, item, lines)
        if (compareIds(item.id, heard) > 0) repeated += lines.length
      }
      return { value: { messages: mail.body.messages, output, repeated } }
    },
    fold(known, frame) {
      foldAgent(known, frame)
      return undefined
    },
    show: (known, standing) => ({
      ...standing,
      messages: known?.messages ?? [],
      output: known?.output.list ?? [],
      outputCount: known?.output.count ?? 0,
    }),
  })
}

function foldAgent(known: Known, { event, data }: Frame): void {
  if (event === 'output' || event === 'output_batch') {
    const lines = linesOf(data as Printed)
    const fresh = lines.slice(known.repeated)
    known.repeated -= lines.length - fresh.length
    print(known.output, data as Printed, fresh)
  } else if (event === 'message.new') {
    const message = data as AgentMessage
    if (known.messages.some(({ message_id }) => message_id === message.message_id)) return
    known.messages = [...known.messages, message].slice(-TAIL_LIMIT)
  } else if (event === 'message.expired') {
    const { message_id } = data as AgentMessage
    known.messages = known.messages.filter((message) => message.message_id !== message_id)
  }
}

function linesOf(printed: Printed): readonly string[] {
  return 'lines' in printed ? printed.lines : printed.content.replace(/\r?\n$/, '').split(/\r?\n/)
}

function print(output: Tail<OutputLine>, { timestamp }: Printed, lines: readonly string[]): void {
  for (const text of lines) output.push({ key: output.count, text, timestamp })
}

export const agent = /* @__PURE__ */ perHub(agentStore)
