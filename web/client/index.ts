/** `boardcast/client`: the hub without a framework. */
export { createClient, type HandlersOf, type Hub } from './core/client.ts'
export { BoardcastError, type ClientErrorCode, type Problem } from './core/errors.ts'
export type { Subscription } from './core/frame-queue.ts'
export type { Reply, RequestOptions } from './core/hub-core.ts'
export type { Auth, Backoff, ClientOptions, Credentials, TransportName } from './core/options.ts'
export type { FrameOf, Payloads } from './core/payloads.ts'
export type {
  Frame,
  GapNotice,
  Phase,
  Status,
  StopReason,
  Store,
  SubscribeHandlers,
  SubscribeOptions,
} from './core/types.ts'
export type { AgentMessage, OutputLine } from './stores/agent.ts'
export type { AttemptLine, AttemptValue } from './stores/attempt.ts'
export type { BoardValue } from './stores/board.ts'
export type { DashboardValue } from './stores/dashboard.ts'
export type { MetricsValue } from './stores/metrics.ts'
export type { CreateCard, DeleteCard, MoveCard, Mutations, UpdateCard } from './stores/mutations.ts'
export type { ResourcePhase } from './stores/resource.ts'
export type { SessionMessage } from './stores/session.ts'
export type { ShellOutput } from './stores/shell.ts'
