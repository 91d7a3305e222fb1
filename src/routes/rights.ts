/**
 * The right that a route needs. Every route declares one (api.ts), so that a route without does not compile. A GET needs
 * `subscribe`, a mutation `publish`. `to` names the channels in the contract, with the parameters of the path in braces.
 */
import { type ChannelKind, channelName } from '../../shared/src/channels.ts'
import type { Action } from '../auth/rights.ts'
import { authorizeAdmin, authorizeAgent, authorizeAny, authorizeSession, hidden, may } from '../auth/rights.ts'
import type { Subject } from '../auth/subject.ts'
import type { Sql } from '../db/sql.ts'
import type { Knows } from '../domain/knows.ts'

/** One of these channels. */
export type Need = readonly string[]

/** A mutation or a snapshot. */
export interface Reader {
  readonly sql: Sql
}

/** Instead of channels: shown to everyone. */
export const ANYONE = 'anyone'

export type Right<Params, Body, Query> =
  /** The address decides: asked before the body is read, and before anything is looked up. All needs count. */
  | { readonly by: 'address'; readonly to: string; needs(params: Params, query: Query): readonly Need[] }
  /** The body decides. */
  | { readonly by: 'body'; readonly to: string; needs(body: Body, params: Params): readonly Need[] }
  /**
   * The thing that the address names decides. `find` resolves to the channels that show it, null if there is none. Any such
   * thing shows on a channel of one of the `kinds`, so a subject with a right to every channel of all of them is not looked
   * up, and learns that there is no such thing; others do not. `needs`: what the body needs besides. `action`: if it is
   * not that of the method, as the answer shows the thing.
   */
  | {
      readonly by: 'thing'
      readonly to: string
      readonly kinds: readonly ChannelKind[]
      readonly action?: Action
      find(reader: Reader, params: Params): Promise<Need | typeof ANYONE | null>
      needs?(body: Body, params: Params): readonly Need[]
    }
  /** Any subject: the answer has only what the subject may see. */
  | { readonly by: 'subject' }
  | { readonly by: 'admin' }

/** The channel of a kind with the id that is named by a parameter of the path. */
export function channelOf<Name extends string>(kind: ChannelKind, name: Name) {
  return {
    by: 'address',
    to: `\`${channelName(kind, `{${name}}`)}\``,
    needs: (params: Readonly<Record<Name, string>>): readonly Need[] => [[channelName(kind, params[name])]],
  } as const
}

/** A channel that has no id. */
export function channelNamed(kind: 'dashboard' | 'metrics' | 'global') {
  return { by: 'address', to: `\`${kind}\``, needs: (): readonly Need[] => [[kind]] } as const
}

export const ANY_SUBJECT = { by: 'subject' } as const

/** Asks what can be asked before anything is read. Throws `forbidden`. */
export function authorizeAddress<Params, Query>(
  right: Right<Params, never, Query>,
  subject: Subject,
  action: Action,
  { params, query }: { params: Params; query: Query },
): void {
  if (right.by === 'admin') authorizeAdmin(subject)
  else if (right.by === 'address') authorizeAll(subject, action, right.needs(params, query))
  // Whatever the body names would be refused.
  else if (right.by !== 'subject' && subject[action].isEmpty) throw hidden(action)
  else if (right.by === 'thing' && right.action && subject[right.action].isEmpty) throw hidden(right.action)
}

/** Asks about the thing that the address names, in the transaction that works on it. Rejects with `forbidden`. */
export async function authorizeThing<Params>(
  right: Right<Params, never, never>,
  subject: Subject,
  action: Action,
  { reader, params }: { reader: Reader; params: Params },
): Promise<void> {
  if (right.by !== 'thing') return
  const asked = right.action ?? action
  // Whatever it is, the subject may; and may learn that it is not there.
  if (right.kinds.every((kind) => subject[asked].covers(kind))) return
  const channels = await right.find(reader, params)
  if (channels === ANYONE || channels?.some((channel) => may(subject, asked, channel))) return
  throw hidden(asked)
}

/** The agent or the session in whose name something is done; undefined if the server makes up its id. */
export interface Speaker {
  readonly agent?: string
  readonly session?: string | undefined
}

/** Throws `forbidden` for a token that is bound to another agent or session. */
export function authorizeSpeaker(subject: Subject, speaker: Speaker): void {
  if (speaker.agent !== undefined) authorizeAgent(subject, speaker.agent)
  if ('session' in speaker) authorizeSession(subject, speaker.session ?? '')
}

/** Whether the subject may read from the channel or write to it, and so may learn that what it shows exists. */
export function knowledgeOf(subject: Subject): Knows {
  return (channel) => may(subject, 'subscribe', channel) || may(subject, 'publish', channel)
}

/** Asks about what the body names. Throws `forbidden`. */
export function authorizeBody<Params, Body>(
  right: Right<Params, Body, never>,
  subject: Subject,
  action: Action,
  { body, params }: { body: Body; params: Params },
): void {
  if (right.by === 'body' || right.by === 'thing') authorizeAll(subject, action, right.needs?.(body, params) ?? [])
}

function authorizeAll(subject: Subject, action: Action, needs: readonly Need[]): void {
  for (const channels of needs) authorizeAny(subject, action, channels)
}
