/** What agents print. It lives in the event log and nowhere else. */
import { channelName } from '../../shared/src/channels.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import type { LogEvent } from '../db/log-event.ts'
import type { Snapshot } from '../db/snapshot.ts'
import type { Tx } from '../db/store.ts'
import { checkAgentId } from './agents.ts'
import { type PageAsked, readLogPage } from './log-pages.ts'

/** What an attempt prints is output of its agent, here as on the agent's channel. */
const OUTPUT = ['agent.output', 'agent.output.batch', 'attempt.log.appended'] as const

/** One piece of output as it came, line breaks and all, or whole lines. */
export type PostedOutput = { readonly content: string } | { readonly lines: string[] }

/** One post, or one line of an attempt: what listeners of the agent are shown before lines are joined. */
export type OutputItem = { readonly id: string; readonly timestamp: number } & PostedOutput

export interface OutputPage {
  readonly items: readonly OutputItem[]
  /** What to give as the next `after`. */
  readonly cursor: string
  /** There are, or may be, items after `cursor`. */
  readonly more: boolean
}

/** Appends one event, and answers how many pieces or lines are in it. The agent need not be registered. */
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

/** Throws `invalid_channel` for what is no agent's id; `bad_request` for an `after` that is no id of this log. */
export async function readOutput(snapshot: Snapshot, agentId: string, asked: PageAsked): Promise<OutputPage> {
  checkAgentId(agentId)
  const printed = { channel: channelName('agent', agentId), types: OUTPUT }
  const { events, cursor, more } = await readLogPage(snapshot, printed, asked)
  return { items: events.map((event) => itemOf(event, formatCursor(snapshot.epoch, event.seq))), cursor, more }
}

function itemOf({ at, type, payload }: LogEvent, id: string): OutputItem {
  const item = { id, timestamp: at }
  if (type === 'agent.output') return { ...item, content: payload.content as string }
  return { ...item, lines: type === 'agent.output.batch' ? (payload.lines as string[]) : [payload.message as string] }
}
