/** The event types of the catalogue, and the names under which channels show them. */
import { catalogue, type Entry } from '../../../shared/src/catalogue.ts'
import { parseChannel } from '../../../shared/src/channels.ts'
import { EVERYONE } from '../../../shared/src/protocol.ts'
import type { Envelope } from '../conditions/envelope.ts'

export interface Coverage {
  readonly covered: readonly string[]
  readonly missing: readonly string[]
}

const entries: ReadonlyArray<readonly [string, Entry]> = Object.entries(catalogue)
/** Its name and its payload are chosen by the client that posts it. */
const POSTED = entries.filter(([, { isPosted }]) => isPosted).map(([type]) => type)

/** `kind name` -> types. */
const shown = new Map<string, Set<string>>()
for (const [type, { to, isPosted }] of entries) {
  if (isPosted) continue
  add('global', type, type)
  for (const { channel, event, silent } of to) if (!silent) add(channel, event, type)
}

/** In the order of the catalogue. */
export function coverageOf(covered: ReadonlySet<string>): Coverage {
  const types = entries.map(([type]) => type)
  return {
    covered: types.filter((type) => covered.has(type)),
    missing: types.filter((type) => !covered.has(type)),
  }
}

/** The types that an event can be of: several where they show under the same name, none for what is not in the catalogue. */
export function typesShown({ channel, event, topic }: Envelope): readonly string[] {
  if (topic !== undefined) return POSTED
  const kind = channel === EVERYONE ? EVERYONE : parseChannel(channel)?.kind
  const known = shown.get(`${kind} ${event}`)
  if (known) return [...known]
  return kind === 'topic' ? POSTED : []
}

function add(kind: string, name: string, type: string): void {
  const key = `${kind} ${name}`
  const types = shown.get(key) ?? new Set()
  shown.set(key, types.add(type))
}
