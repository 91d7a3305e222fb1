/** `boardcast/preact`: the client, its hooks, and a component, for Preact. Needs no `preact/compat`. */
import { type ComponentChildren, createContext, createElement, type FunctionComponent, type VNode } from 'preact'
import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { type AgentChannel, type AgentChannelOptions, useAgent } from './hooks/agent.ts'
import { type AgentOutputProps, type CreateElement, useAgentOutput } from './hooks/agent-output.ts'
import {
  type IssueOptions,
  type IssueUpdates,
  type Kanban,
  type KanbanOptions,
  useIssues,
  useKanban,
} from './hooks/board.ts'
import { type Connection, useConnectionStatus } from './hooks/connection.ts'
import { type RealtimeEvents, type RealtimeEventsOptions, useEvents } from './hooks/events.ts'
import { defaultHub, type Framework } from './hooks/framework.ts'
import {
  type AttemptStream,
  type Dashboard,
  type DashboardOptions,
  type RealtimeMetrics,
  type SessionStream,
  type ShellStream,
  useAttempt,
  useDashboard,
  useMetrics,
  useSession,
  useShell,
  useWorkflow,
  type WorkflowStream,
} from './hooks/resources.ts'
import { useSocket, type WebSocketConnection, type WebSocketOptions } from './hooks/web-socket.ts'
import type { Hub } from './hub/client.ts'

export type { AgentChannel, AgentChannelOptions, SendOptions } from './hooks/agent.ts'
export type { AgentOutputProps } from './hooks/agent-output.ts'
export type { BoardEvent, Issue, IssueOptions, IssueUpdates, Kanban, KanbanOptions } from './hooks/board.ts'
export type { Connection } from './hooks/connection.ts'
export type { RealtimeEvents, RealtimeEventsOptions } from './hooks/events.ts'
export type {
  AttemptStream,
  Dashboard,
  DashboardOptions,
  RealtimeMetrics,
  SessionStream,
  ShellStream,
  WorkflowStream,
} from './hooks/resources.ts'
export type { WebSocketConnection, WebSocketOptions } from './hooks/web-socket.ts'
export * from './index.ts'

const HubContext = /* @__PURE__ */ createContext<Hub | null>(null)

const framework: Framework = {
  useEffect,
  useCommit: useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore: useExternalStore,
  useHub: useBoardcast,
}

export interface BoardcastProviderProps {
  readonly client: Hub
  readonly children?: ComponentChildren
}

/** Sets the hub of the hooks below it. Without a provider, hooks use a hub of the page's own origin. */
export const BoardcastProvider: FunctionComponent<BoardcastProviderProps> = ({ client, children }) =>
  createElement(HubContext.Provider, { value: client }, children)

/** The hub of the nearest provider, else that of the page's own origin; null where pages are rendered on a server. */
export function useBoardcast(): Hub | null {
  return useContext(HubContext) ?? defaultHub()
}

/** A board, live, and its mutations; `null` means off. */
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

/** The metrics of the service, every five seconds. */
export function useRealtimeMetrics(): RealtimeMetrics {
  return useMetrics(framework)
}

/** An agent's output and messages, live; `agentId: null` means off. */
export function useAgentChannel(options: AgentChannelOptions): AgentChannel {
  return useAgent(framework, options)
}

/** A session of an agent, live; `null` means off. One that does not exist yet shows when it is created. */
export function useSessionStream(sessionId: string | null): SessionStream {
  return useSession(framework, sessionId)
}

/** An attempt, live; `null` means off. */
export function useAttemptStream(attemptId: string | null): AttemptStream {
  return useAttempt(framework, attemptId)
}

/** A run of a workflow, live; `null` means off. */
export function useWorkflowStream(runId: string | null): WorkflowStream {
  return useWorkflow(framework, runId)
}

/** A terminal, live; `null` means off. One that does not exist yet shows when it is created. */
export function useShellStream(shellId: string | null): ShellStream {
  return useShell(framework, shellId)
}

/** The issues of a project, live; `null` means off. */
export function useIssueUpdates(projectId: string | null, options?: IssueOptions): IssueUpdates {
  return useIssues(framework, projectId, options)
}

/** A socket of the component's own, for publishing and presence. Components that only listen share one stream. */
export function useWebSocket(options?: WebSocketOptions): WebSocketConnection {
  return useSocket(framework, options)
}

/** The status of the stream, with a label for people. */
export function useConnection(): Connection {
  return useConnectionStatus(framework)
}

/** The last 1,000 lines of output of an agent or an attempt. Follows the end until the user scrolls up. */
export function AgentOutput(props: AgentOutputProps): VNode {
  return useAgentOutput(framework, createElement as CreateElement<VNode>, props)
}

/** React calls this `useSyncExternalStore`; Preact has it only in `preact/compat`. */
function useExternalStore<T>(subscribe: (listener: () => void) => () => void, get: () => T): T {
  const value = get()
  const [, draw] = useState({})
  /** What was drawn last, and the function that reads the current value. */
  const drawn = useRef({ value, get })
  useLayoutEffect(() => {
    drawn.current = { value, get }
  }, [value, get])
  useEffect(() => {
    const drawIfChanged = () => {
      if (!Object.is(drawn.current.get(), drawn.current.value)) draw({})
    }
    // The value may have changed between the render and this subscription.
    drawIfChanged()
    return subscribe(drawIfChanged)
  }, [subscribe])
  return value
}
