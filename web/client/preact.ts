/** `boardcast/preact`: the client, its hooks, and a component, for Preact. */
export type { AgentChannel, AgentChannelOptions, SendOptions } from './hooks/agent.ts'
export type { AgentOutputProps } from './hooks/agent-output.ts'
export type { Connection } from './hooks/connection.ts'
export type { Dashboard, DashboardOptions } from './hooks/dashboard.ts'
export type { RealtimeEvents, RealtimeEventsOptions } from './hooks/events.ts'
export type { Issue, IssueOptions, IssueUpdates } from './hooks/issues.ts'
export type { BoardEvent, Kanban, KanbanOptions } from './hooks/kanban.ts'
export type { RealtimeMetrics } from './hooks/metrics.ts'
export {
  AgentOutput,
  BoardcastProvider,
  type BoardcastProviderProps,
  useAgentChannel,
  useAttemptStream,
  useBoardcast,
  useConnection,
  useDashboardSSE,
  useIssueUpdates,
  useKanbanSSE,
  useRealtimeEvents,
  useRealtimeMetrics,
  useSessionStream,
  useShellStream,
  useWebSocket,
  useWorkflowStream,
} from './hooks/preact.ts'
export type { AttemptStream, SessionStream, ShellStream, WorkflowStream } from './hooks/streams.ts'
export type { WebSocketConnection, WebSocketOptions } from './hooks/web-socket.ts'
export * from './index.ts'
