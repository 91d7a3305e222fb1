/** An agent: its output, and the messages that it got. */
import type { Message } from '../../../shared/src/types/messages.ts'
import { compareIds } from '../base/frames.ts'
import type { Frame, HubCore } from '../base/types.ts'
import { MAX_RECENT_ITEMS, RecentItems } from './recent-items.ts'
import { Resource } from './resource.ts'
import type { Standing } from './resource-state.ts'
import { storesPerHub } from './store-set.ts'

/** A message as its event contains it. */
export type AgentMessage = Pick<
  Message,
  'message_id' | 'from_agent' | 'to_agent' | 'topic' | 'content' | 'priority' | 'expires_at'
>

export interface OutputLine {
  /** Grows by one from line to line while the store is open. */
  readonly key: number
  readonly text: string
  /** Milliseconds since 1970. */
  readonly timestamp: number
}

export interface AgentValue extends Standing {
  /** Messages to the agent and to everyone, oldest first, the last 1,000. */
  readonly messages: readonly AgentMessage[]
  /** The last 1,000 lines, oldest first. */
  readonly output: readonly OutputLine[]
  /** How many lines were received in total. */
  readonly outputCount: number
}

export const NO_AGENT: AgentValue = { phase: 'loading', error: null, messages: [], output: [], outputCount: 0 }

type OutputItem = { readonly id: string } & Output
type Output = { readonly timestamp: number } & ({ readonly content: string } | { readonly lines: readonly string[] })

interface AgentState {
  messages: readonly AgentMessage[]
  readonly output: RecentItems<OutputLine>
  /**
   * How many lines of the answer will come again as events. They are counted instead of compared by id: a stream joins
   * neighbouring lines into one `output_batch` (K11) with the id of the last line, and may join known lines with new ones.
   */
  repeated: number
}

export function openAgent(hub: HubCore, id: string, changed: () => void) {
  const path = `/agents/${encodeURIComponent(id)}`
  return new Resource<AgentState, AgentValue>(
    hub,
    {
      channels: [`agent:${id}`],
      types: ['output', 'output_batch', 'message.*'],
      async load(cursor) {
        const { body } = await hub.request<{ items: OutputItem[] }>('GET', `${path}/output?tail=${MAX_RECENT_ITEMS}`)
        const inbox = await hub.request<{ messages: AgentMessage[] }>(
          'GET',
          `${path}/messages?limit=${MAX_RECENT_ITEMS}`,
        )
        const output = new RecentItems<OutputLine>()
        let repeated = 0
        for (const item of body.items) {
          const lines = linesOf(item)
          append(output, item, lines)
          if (compareIds(item.id, cursor) > 0) repeated += lines.length
        }
        return { value: { messages: inbox.body.messages, output, repeated } }
      },
      apply(state, frame) {
        applyToAgent(state, frame)
        return state
      },
      show: (state, standing) => ({
        ...standing,
        messages: state?.messages ?? [],
        output: state?.output.list ?? [],
        outputCount: state?.output.count ?? 0,
      }),
    },
    changed,
  )
}

function applyToAgent(state: AgentState, { event, data }: Frame): void {
  if (event === 'output' || event === 'output_batch') {
    const lines = linesOf(data as Output)
    const fresh = lines.slice(state.repeated)
    state.repeated -= lines.length - fresh.length
    append(state.output, data as Output, fresh)
  } else if (event === 'message.new') {
    const message = data as AgentMessage
    if (state.messages.some(({ message_id }) => message_id === message.message_id)) return
    state.messages = [...state.messages, message].slice(-MAX_RECENT_ITEMS)
  } else if (event === 'message.expired') {
    const { message_id } = data as AgentMessage
    state.messages = state.messages.filter((message) => message.message_id !== message_id)
  }
}

function linesOf(output: Output): readonly string[] {
  return 'lines' in output ? output.lines : output.content.replace(/\r?\n$/, '').split(/\r?\n/)
}

function append(output: RecentItems<OutputLine>, { timestamp }: Output, lines: readonly string[]): void {
  for (const text of lines) output.push({ key: output.count, text, timestamp })
}

export const agent = /* @__PURE__ */ storesPerHub(NO_AGENT, openAgent)
