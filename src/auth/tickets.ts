/**
 * Tickets: a short-lived stand-in for a token, for addresses. It works once and for 30 s, because addresses end up in
 * histories and in the logs of proxies.
 */
import { createHash, randomBytes } from 'node:crypto'
import { ChannelPatterns } from '../base/channel-patterns.ts'
import { Problem } from '../base/errors.ts'
import { deleteTicketsUpTo, insertTicket, takeTicket } from '../db/rows/tickets.ts'
import type { Store, Tx } from '../db/store.ts'
import { subjectFromJson, subjectToJson } from './stored-subject.ts'
import type { Subject } from './subject.ts'
import { invalid } from './token-verifier.ts'

const LIFETIME_MS = 30_000
const TEXT = /^[\w-]{43}$/

export interface Ticket {
  readonly ticket: string
  /** ISO 8601 in UTC. */
  readonly expiresAt: string
}

/**
 * Makes a ticket for the subject. `channels`, names or patterns, limit its rights to these. Rejects with `forbidden` if the
 * subject may neither subscribe to nor publish on one of them.
 */
export async function issueTicket(tx: Tx, subject: Subject, channels?: readonly string[]): Promise<Ticket> {
  const nowMs = Date.parse(tx.now)
  const ticket = randomBytes(32).toString('base64url')
  const expiresAt = Math.min(nowMs + LIFETIME_MS, subject.expiresAt)
  const holder = channels ? limited(subject, channels) : subject
  await deleteTicketsUpTo(tx.sql, nowMs)
  await insertTicket(tx.sql, { hash: hashOf(ticket), subject: subjectToJson(holder), expiresAt })
  return { ticket, expiresAt: new Date(expiresAt).toISOString() }
}

/** Uses a ticket up. Rejects with `unauthenticated` unless it is valid. */
export async function redeemTicket(store: Store, ticket: string): Promise<Subject> {
  const json = TEXT.test(ticket)
    ? await store.transact((tx) => takeTicket(tx.sql, hashOf(ticket), Date.parse(tx.now)))
    : undefined
  if (json === undefined) throw invalid('The ticket is unknown, was used before, or has expired. Get a new one.')
  return subjectFromJson(json)
}

function limited(subject: Subject, channels: readonly string[]): Subject {
  const subscribe = channels.filter((channel) => ChannelPatterns.of([channel]).isWithin(subject.subscribe))
  const publish = channels.filter((channel) => ChannelPatterns.of([channel]).isWithin(subject.publish))
  const excess = channels.find((channel) => !subscribe.includes(channel) && !publish.includes(channel))
  if (excess !== undefined) {
    throw new Problem(
      'forbidden',
      `This token has no right to ${excess}, so a ticket cannot have it. Leave it out of "channels".`,
      { tokenError: 'insufficient_scope' },
    )
  }
  return {
    ...subject,
    subscribe: ChannelPatterns.of(subscribe),
    publish: ChannelPatterns.of(publish),
    isAdmin: false,
  }
}

function hashOf(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64url')
}
