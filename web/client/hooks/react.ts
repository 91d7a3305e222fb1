/** The hooks bound to React. */
import {
  createContext,
  createElement,
  type FunctionComponent,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import type { Hub } from '../core/client.ts'
import { type AgentChannel, type AgentChannelOptions, useAgent } from './agent.ts'
import { type AgentOutputProps, type CreateElement, useAgentOutput } from './agent-output.ts'
import { type Connection, useConnectionStatus } from './connection.ts'
import { type Dashboard, type DashboardOptions, useDashboard } from './dashboard.ts'
import { defaultHub } from './default-hub.ts'
import { type RealtimeEvents, type RealtimeEventsOptions, useEvents } from './events.ts'
import type { Framework } from './framework.ts'
import { type IssueOptions, type IssueUpdates, useIssues } from './issues.ts'
import { type Kanban, type KanbanOptions, useKanban } from './kanban.ts'
import { type RealtimeMetrics, useMetrics } from './metrics.ts'
import {
  type AttemptStream,
  type SessionStream,
  type ShellStream,
  useAttempt,
  useSession,
  useShell,
  useWorkflow,
  type WorkflowStream,
} from './streams.ts'
import { useSocket, type WebSocketConnection, type WebSocketOptions } from './web-socket.ts'

const HubContext = /* @__PURE__ */ createContext<Hub | null>(null)

const framework: Framework = {
  useEffect,
  useCommit: useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
  useHub: useBoardcast,
}

export interface BoardcastProviderProps {
  readonly client: Hub
  readonly children?: ReactNode
}

/** Says which hub the hooks below it use. Without one they use a hub of the page's own origin. */
export const BoardcastProvider: FunctionComponent<BoardcastProviderProps> = ({ client, children }) =>
  createElement(HubContext.Provider, { value: client }, children)

/** The hub of the nearest provider, else that of the page's own origin; null where pages are made on a server. */
export function useBoardcast(): Hub | null {
  return useContext(HubContext) ?? defaultHub()
}

/** A board, live, and what can be done to it; `null` means off. */
export function useKanbanSSE(boardId: string | null, options?: KanbanOptions): Kanban {
  return useKanban(framework, boardId, options)
}

/** The overview of all boards, live. */
export function useDashboardSSE(options?: DashboardOptions): Dashboard {
  return useDashboard(framework, options)
}

/** The newest events of some channels as a list; no channels means off. */
export function useRealtimeEvents(options: RealtimeEventsOptions): RealtimeEvents {
  return useEvents(framework, options)
}

/** Figures of the service, every five seconds. */
export function useRealtimeMetrics(): RealtimeMetrics {
  return useMetrics(framework)
}

/** An agent's output and mail, live; `agentId: null` means off. */
export function useAgentChannel(options: AgentChannelOptions): AgentChannel {
  return useAgent(framework, options)
}

/** A session of an agent, live; `null` means off. One that is not there yet is waited for. */
export function useSessionStream(sessionId: string | null): SessionStream {
  return useSession(framework, sessionId)
}

/** An attempt at a card, live; `null` means off. */
export function useAttemptStream(attemptId: string | null): AttemptStream {
  return useAttempt(framework, attemptId)
}

/** A run of a workflow, live; `null` means off. */
export function useWorkflowStream(runId: string | null): WorkflowStream {
  return useWorkflow(framework, runId)
}

/** A terminal, live; `null` means off. One that is not there yet is waited for. */
export function useShellStream(shellId: string | null): ShellStream {
  return useShell(framework, shellId)
}

/** The issues of a project, live; `null` means off. */
export function useIssueUpdates(projectId: string | null, options?: IssueOptions): IssueUpdates {
  return useIssues(framework, projectId, options)
}

/** A socket of the component's own, for publishing and for presence. To listen, the other hooks share one stream. */
export function useWebSocket(options?: WebSocketOptions): WebSocketConnection {
  return useSocket(framework, options)
}

/** How the stream is, with a label for people. */
export function useConnection(): Connection {
  return useConnectionStatus(framework)
}

/** The last 1,000 lines that an agent or an attempt printed; follows the end until somebody scrolls up. */
export function AgentOutput(props: AgentOutputProps): ReactElement {
  return useAgentOutput(framework, createElement as CreateElement<ReactElement>, props)
}
