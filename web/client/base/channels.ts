/**
 * Which channels of one connection show an event that the connection carried only once.
 *
 * A connection gets an event once per name, on the channel that it named first (docs/protocol.md, K6), but readers of its
 * other channels need it too. Channels are named in an order in which a frame's channel and payload show which later
 * channels it belongs to: a board before its attempts. Events of a topic do not name their topic, so topics come first;
 * `global` carries whole payloads, so it comes before the channels that it overlaps with.
 *
 * Limit: `message.read` and `message.expired` of a message that had both an addressee and a topic name neither. With both
 * channels on one stream, the agent's readers do not get that event.
 */
import type { Channel, ChannelKind } from '../../../shared/src/channels.ts'
import { EVERYONE } from '../../../shared/src/protocol.ts'
import { fieldOf } from './frames.ts'
import type { Frame } from './types.ts'

const FIRST: readonly ChannelKind[] = ['topic', 'project', 'board', 'global']

/** Sorts channels into the order in which a stream must name them. */
export function inOrder(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
}

/** The channel among `channels` that shows the frame; undefined if none does. Events to everyone show on every channel. */
export function shownOn(frame: Frame, channels: ReadonlyMap<string, Channel>): string | undefined {
  if (frame.channel === EVERYONE || channels.has(frame.channel)) return frame.channel
  if (isBroadcastMessage(frame)) return EVERYONE
  for (const channel of channels.values()) if (showsAlso(frame, channel)) return channel.name
  return undefined
}

/** The only event to everyone that `global` carries under the same name, so that `*` does not carry it as well (K5). */
function isBroadcastMessage({ channel, event, data }: Frame): boolean {
  return (
    channel === 'global' &&
    event.startsWith('message.') &&
    fieldOf(data, 'to_agent') === null &&
    fieldOf(data, 'topic') === null
  )
}

function showsAlso({ channel: label, event, data }: Frame, { kind, id }: Channel): boolean {
  const field = (name: string) => fieldOf(data, name) === id
  switch (kind) {
    case 'global':
      return label.startsWith('topic:') || (event.includes('.') && label !== 'metrics')
    case 'attempt':
      return /^(attempt_|conv)/.test(event) && field('attemptId')
    case 'issue':
      return !event.includes('.') && field('issueId')
    case 'agent':
      return (
        (/^agent[_.][ash]/.test(event) && field('agentId')) ||
        (/^(subtask|agent)\./.test(event) && (field('agent_id') || field('agent_type'))) ||
        (event.startsWith('message.') && field('to_agent'))
      )
    case 'topic':
      return event.startsWith('message.') && field('topic')
    case 'session':
      return field('sessionId') ? event.startsWith('session.') : event.startsWith('task.') && field('session_id')
    case 'workflow':
      return event.startsWith('workflow.') && field('runId')
    case 'shell':
      return event.startsWith('shell.') && field('shellId')
    case 'project':
      return /^(workflow|git\.op|file)/.test(event) && field('boardId')
    default:
      return false
  }
}

function rank(name: string): number {
  const at = FIRST.findIndex((kind) => name === kind || name.startsWith(`${kind}:`))
  return at < 0 ? FIRST.length : at
}
