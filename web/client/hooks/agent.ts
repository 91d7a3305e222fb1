/** An agent's output and messages, and sending it messages. */
import type { Message, MessageContent } from '../../../shared/src/types/messages.ts'
import type { Frame } from '../base/types.ts'
import { type AgentMessage, agent, NO_AGENT, type OutputLine } from '../stores/agent.ts'
import { withHandledRejection } from '../stores/stores.ts'
import { useConnected } from './connection.ts'
import { type Framework, useLatest, useStoreOf, useSubscription, useValue } from './framework.ts'

export interface AgentChannelOptions {
  /** `null` means off. */
  readonly agentId: string | null
  /** Gets every message to the agent once, in order, from now on. */
  readonly onMessage?: ((message: AgentMessage, event: Frame) => void) | undefined
}

export interface SendOptions {
  /** The sender. Default: `user`. */
  readonly from?: string | undefined
  /** Default: the agent of the channel. */
  readonly to?: string | null | undefined
  readonly topic?: string | undefined
  /** 0 to 10. Default: 5. */
  readonly priority?: number | undefined
  readonly ttlSeconds?: number | undefined
}

export interface AgentChannel {
  /** Messages to the agent and to everyone, oldest first. */
  readonly messages: readonly AgentMessage[]
  /** The last 1,000 lines of its output, oldest first. */
  readonly output: readonly OutputLine[]
  /** How many lines were received in total. */
  readonly outputCount: number
  sendMessage(content: MessageContent, options?: SendOptions): Promise<Message>
  readonly connected: boolean
  readonly error: Error | null
}

export function useAgent(fw: Framework, { agentId, onMessage }: AgentChannelOptions): AgentChannel {
  const hub = fw.useHub()
  const { phase: _, ...value } = useValue(fw, useStoreOf(fw, agent, agentId), NO_AGENT)
  const { connected } = useConnected(fw)
  const handler = useLatest(fw, onMessage)
  const key = onMessage ? agentId : null
  useSubscription(fw, key, () => ({ channels: [`agent:${agentId}`], types: ['message.new'] }), {
    event: (frame) => handler(frame.data as AgentMessage, frame),
  })
  const sendMessage = fw.useMemo(
    () =>
      withHandledRejection(
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
