/**
 * Whether an envelope is what the catalogue promises for its channel. Names that the catalogue does not know are not
 * checked: newer servers may send them, and clients may post any on a topic.
 */
import * as z from 'zod'
import { catalogue, type Entry } from '../../../shared/src/catalogue.ts'
import { type ChannelKind, parseChannel } from '../../../shared/src/channels.ts'
import { EVERYONE, UNSTORED } from '../../../shared/src/protocol.ts'
import type { Envelope } from './envelope.ts'

type Kind = ChannelKind | typeof EVERYONE

/** `kind name` -> the schemas of the payloads that the name may have there. */
let schemas: ReadonlyMap<string, readonly z.ZodType[]> | undefined

/** Why it breaks its schema, with the path of the field; undefined if it does not. */
export function faultOf({ channel, event, data, topic }: Envelope): string | undefined {
  if (topic !== undefined) return undefined
  schemas ??= allSchemas()
  const kind = kindOf(channel)
  if (kind === undefined) return `channel: "${channel}" is not a channel`
  const candidates = schemas.get(`${kind} ${event}`)
  if (candidates === undefined) return undefined
  let fault: string | undefined
  for (const schema of candidates) {
    const { error } = schema.safeParse(data)
    if (error === undefined) return undefined
    const [issue] = error.issues
    fault ??= `data${(issue?.path ?? []).map((part) => `.${String(part)}`).join('')}: ${issue?.message}`
  }
  return fault
}

/** The names of the events that the catalogue has for a kind of channel. */
export function namesOn(kind: Kind): string[] {
  schemas ??= allSchemas()
  return [...schemas.keys()].filter((key) => key.startsWith(`${kind} `)).map((key) => key.slice(kind.length + 1))
}

/** What an event of this name may hold on a kind of channel; none: the catalogue has no such event there. */
export function schemasOf(kind: Kind, name: string): readonly z.ZodType[] {
  schemas ??= allSchemas()
  return schemas.get(`${kind} ${name}`) ?? []
}

/** The kinds of what a list of channels shows, with what goes to everyone. */
export function kindsOf(channels: readonly string[]): ReadonlySet<Kind> {
  const kinds = [...channels.map((channel) => channel.replace(/;.*$/, '')), EVERYONE].map(kindOf)
  return new Set(kinds.filter((kind) => kind !== undefined))
}

export function kindOf(channel: string): Kind | undefined {
  return channel === EVERYONE ? EVERYONE : parseChannel(channel)?.kind
}

function allSchemas(): Map<string, z.ZodType[]> {
  const found = new Map<string, z.ZodType[]>()
  const add = (kind: Kind, name: string, schema: z.ZodType) => {
    const key = `${kind} ${name}`
    found.set(key, [...(found.get(key) ?? []), schema])
  }
  const entries: ReadonlyArray<readonly [string, Entry]> = Object.entries(catalogue)
  for (const [type, { about, shows, to, isPosted }] of entries) {
    // What clients post has the names and the payloads that they choose.
    if (isPosted) continue
    add('global', type, z.strictObject({ ...about.shape, ...shows.shape }))
    for (const { channel, event, payload, silent } of to) if (!silent) add(channel, event, payload ?? shows)
  }
  const heartbeat = z.strictObject({ agent_id: z.string(), timestamp: z.int() })
  for (const kind of ['agent', 'global'] as const) add(kind, UNSTORED.agentHeartbeat, heartbeat)
  return found
}
