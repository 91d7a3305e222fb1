/** The output of agents. It is stored in the event log only; it has no rows. */
import { channelName } from '../../shared/src/channels.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import type { LogEvent } from '../db/log-event.ts'
import type { Snapshot } from '../db/snapshot.ts'
import type { Tx } from '../db/store.ts'
import { checkAgentId } from './agents.ts'
import { type PageRequest, readLogPage } from './log-pages.ts'

/** The lines of an attempt count as output of its agent, here as on the agent's channel. */
const OUTPUT = ['agent.output', 'agent.output.batch', 'attempt.log.appended'] as const

/** One chunk of output as it was posted, line breaks included, or whole lines. */
export type PostedOutput = { readonly content: string } | { readonly lines: string[] }

/** One posted chunk or batch, or one line of an attempt. Streams may join several of these into one event. */
export type OutputItem = { readonly id: string; readonly timestamp: number } & PostedOutput

export interface OutputPage {
  readonly items: readonly OutputItem[]
  /** Pass it as `after` to read the next page. */
  readonly cursor: string
  /** True when there are, or may be, items after `cursor`, and before the `before` of the request. */
  readonly more: boolean
  /** How many items there are up to `cursor`, without those that were trimmed. */
  readonly count: number
}

/** Appends one event and returns how many chunks or lines it holds. The agent need not be registered. */
export function appendOutput(tx: Tx, agentId: string, posted: PostedOutput): number {
  checkAgentId(agentId)
  const about = { agentId, timestamp: Date.parse(tx.now) }
  if ('content' in posted) {
    tx.emit('agent.output', { ...about, content: posted.content })
    return 1
  }
  tx.emit('agent.output.batch', { ...about, lines: posted.lines })
  return posted.lines.length
}

/** Throws `invalid_channel` for an invalid agent id, `bad_request` for an `after` or a `before` that is not an id of this log. */
export async function readOutput(snapshot: Snapshot, agentId: string, page: PageRequest): Promise<OutputPage> {
  checkAgentId(agentId)
  const source = { channel: channelName('agent', agentId), types: OUTPUT }
  const { events, ...end } = await readLogPage(snapshot, source, page)
  return { items: events.map((event) => itemOf(event, formatCursor(snapshot.epoch, event.seq))), ...end }
}

function itemOf({ at, type, payload }: LogEvent, id: string): OutputItem {
  const item = { id, timestamp: at }
  if (type === 'agent.output') return { ...item, content: payload.content as string }
  return { ...item, lines: type === 'agent.output.batch' ? (payload.lines as string[]) : [payload.message as string] }
}
