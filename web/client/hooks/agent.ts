import type { Message, MessageContent } from '../../../shared/src/types/messages.ts'
import type { Frame } from '../core/types.ts'
import { type AgentMessage, type AgentValue, agent, type OutputLine } from '../stores/agent.ts'
import { useConnected } from './connection.ts'
import { awaitable, type Framework, useLatest, useStoreOf, useSubscription, useValue } from './framework.ts'

export interface AgentChannelOptions {
  /** `null` means off. */
  readonly agentId: string | null
  /** Every message to the agent once, in order, from now on. */
  readonly onMessage?: ((message: AgentMessage, event: Frame) => void) | undefined
}

export interface SendOptions {
  /** Who says it. Default: `user`. */
  readonly from?: string | undefined
  /** Default: the agent of the channel. */
  readonly to?: string | null | undefined
  readonly topic?: string | undefined
  /** 0 to 10. Default: 5. */
  readonly priority?: number | undefined
  readonly ttlSeconds?: number | undefined
}

export interface AgentChannel {
  /** To the agent and to everyone, oldest first. */
  readonly messages: readonly AgentMessage[]
  /** The last 1,000 lines that it printed, oldest first. */
  readonly output: readonly OutputLine[]
  /** Of all that were seen. */
  readonly outputCount: number
  sendMessage(content: MessageContent, options?: SendOptions): Promise<Message>
  readonly connected: boolean
  readonly error: Error | null
}

const INITIAL: AgentValue = { phase: 'loading', error: null, messages: [], output: [], outputCount: 0 }

/** An agent's output and its mail, live. */
export function useAgent(fw: Framework, { agentId, onMessage }: AgentChannelOptions): AgentChannel {
  const hub = fw.useHub()
  const { phase: _, ...value } = useValue(fw, useStoreOf(fw, agent, agentId), INITIAL)
  const { connected } = useConnected(fw)
  const told = useLatest(fw, onMessage)
  const key = onMessage ? agentId : null
  useSubscription(fw, key, () => ({ channels: [`agent:${agentId}`], types: ['message.new'] }), {
    event: (frame) => told(frame.data as AgentMessage, frame),
  })
  const sendMessage = fw.useMemo(
    () =>
      awaitable(
        async (
          content: MessageContent,
          { from = 'user', to = agentId, topic, priority, ttlSeconds }: SendOptions = {},
        ) => {
          if (!hub || agentId === null) throw new Error('There is no agent: the hook was given null.')
          const message = { from_agent: from, to_agent: to, topic, content, priority, ttl_seconds: ttlSeconds }
          return (await hub.request<Message>('POST', '/messages', message)).body
        },
      ),
    [hub, agentId],
  )
  return { ...value, sendMessage, connected }
}
