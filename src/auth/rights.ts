/**
 * The one question about rights: may this subject read from, or write to, this channel? Routes, streams, sockets, replay
 * and lists all ask it here.
 */
import { Problem } from '../base/errors.ts'
import type { Subject } from './subject.ts'

export type Action = 'subscribe' | 'publish'

const SCOPE = { tokenError: 'insufficient_scope' } as const

export function may(subject: Subject, action: Action, channel: string): boolean {
  return subject[action].matches(channel)
}

/** Throws `forbidden` unless the subject may do that on the channel. */
export function authorize(subject: Subject, action: Action, channel: string): void {
  if (!may(subject, action, channel)) throw refusal(action, [channel])
}

/** Throws `forbidden` unless the subject may do that on one of the channels. */
export function authorizeAny(subject: Subject, action: Action, channels: readonly string[]): void {
  if (!channels.some((channel) => may(subject, action, channel))) throw refusal(action, channels)
}

/** Throws `forbidden` unless the subject is an administrator. */
export function authorizeAdmin(subject: Subject): void {
  if (!subject.isAdmin) throw new Problem('forbidden', 'This needs a token with "admin": true.', SCOPE)
}

/** Throws `forbidden` if the token is bound to another agent than the one that it claims to speak for. */
export function authorizeAgent({ agentId }: Subject, claimed: string): void {
  if (agentId !== null && agentId !== claimed) {
    throw new Problem('forbidden', `This token is bound to agent ${agentId}, and cannot speak for another.`, SCOPE)
  }
}

/** Throws `forbidden` if the token is bound to another session than the one that it claims to speak for. */
export function authorizeSession({ sessionId }: Subject, claimed: string): void {
  if (sessionId !== null && sessionId !== claimed) {
    throw new Problem('forbidden', `This token is bound to session ${sessionId}, and cannot speak for another.`)
  }
}

/**
 * For a thing that does not exist, or belongs to no channel that the subject may use: the same words for both, so that
 * nobody learns which.
 */
export function hidden(action: Action): Problem {
  const verb = action === 'subscribe' ? 'read' : 'change'
  return new Problem(
    'forbidden',
    `This token may not ${verb} that: there is no such thing, or its channel is not among the ${action} patterns of the token.`,
    SCOPE,
  )
}

/** A name without an id stands for all of its kind. */
function described(channel: string): string {
  return /^[a-z]+:$/.test(channel) ? `${channel}*` : channel
}

function refusal(action: Action, channels: readonly string[]): Problem {
  return new Problem(
    'forbidden',
    `This token has no right to ${action} on ${channels.map(described).join(' or ')}. Ask for one whose ${action} patterns match that.`,
    SCOPE,
  )
}
