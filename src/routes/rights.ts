/**
 * The right that a route needs. Every route declares one (api.ts), so that a route without does not compile. A GET needs
 * `subscribe`, a mutation `publish`.
 */
import { type ChannelKind, channelName } from '../../shared/src/channels.ts'
import type { Action } from '../auth/rights.ts'
import { authorizeAdmin, authorizeAny, hidden, may } from '../auth/rights.ts'
import type { Subject } from '../auth/subject.ts'
import type { Sql } from '../db/sql.ts'

/** One of these channels. */
export type Need = readonly string[]

export type Right<Params, Body, Query> =
  /** The address decides: asked before the body is read, and before anything is looked up. All needs count. */
  | { readonly by: 'address'; needs(params: Params, query: Query): readonly Need[] }
  /** The body decides. */
  | { readonly by: 'body'; needs(body: Body, params: Params): readonly Need[] }
  /**
   * The thing that the address names decides. `find` resolves to the channels that show it, null if there is none: then
   * only a subject with every channel of `kind` learns so. `needs`: what the body needs besides.
   */
  | {
      readonly by: 'thing'
      readonly kind: ChannelKind
      find(sql: Sql, params: Params): Promise<Need | null>
      needs?(body: Body, params: Params): readonly Need[]
    }
  /** Any subject: the answer has only what the subject may see. */
  | { readonly by: 'subject' }
  | { readonly by: 'admin' }

/** The channel of a kind with the id that is named by a parameter of the path. */
export function channelOf<Name extends string = 'id'>(kind: ChannelKind, name: Name = 'id' as Name) {
  return {
    by: 'address',
    needs: (params: Readonly<Record<Name, string>>): readonly Need[] => [[channelName(kind, params[name])]],
  } as const
}

/** A channel that has no id. */
export function channelNamed(kind: 'dashboard' | 'metrics' | 'global') {
  return { by: 'address', needs: (): readonly Need[] => [[kind]] } as const
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
}

/** Asks about the thing that the address names, in the transaction that works on it. Rejects with `forbidden`. */
export async function authorizeThing<Params>(
  right: Right<Params, never, never>,
  subject: Subject,
  action: Action,
  { sql, params }: { sql: Sql; params: Params },
): Promise<void> {
  if (right.by !== 'thing' || subject[action].isAll) return
  const channels = await right.find(sql, params)
  const isAllowed = channels
    ? channels.some((channel) => may(subject, action, channel))
    : subject[action].covers(right.kind)
  if (!isAllowed) throw hidden(action)
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
