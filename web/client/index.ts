/** `boardcast/client`: the client without a framework. */
export { BoardcastError, type ClientErrorCode, type Problem } from './base/errors.ts'
export type { Auth, Backoff, ClientOptions, Credentials, TransportName } from './base/options.ts'
export type {
  Frame,
  GapNotice,
  Phase,
  Reply,
  RequestOptions,
  Status,
  StopReason,
  Store,
  SubscribeHandlers,
  SubscribeOptions,
} from './base/types.ts'
export { createClient, type HandlersOf, type Hub } from './hub/client.ts'
export type { FrameOf, Payloads } from './hub/payloads.ts'
export type { AgentMessage, OutputLine } from './stores/agent.ts'
export type { AttemptLine, AttemptValue } from './stores/attempt.ts'
export type { BoardValue } from './stores/board.ts'
export type { CreateCard, DeleteCard, MoveCard, Mutations, UpdateCard } from './stores/mutations.ts'
export type { ResourcePhase } from './stores/resource-state.ts'
export type { SessionMessage } from './stores/session.ts'
export type { ShellOutput } from './stores/shell.ts'
export type { DashboardValue, MetricsValue } from './stores/snapshots.ts'
export type { Subscription } from './stream/subscription.ts'
