/**
 * Channels, which clients listen to. A channel is `<kind>:<id>`, or a kind alone (`dashboard`); some kinds have a second
 * spelling that is accepted and never sent.
 */
import { EVERYONE } from './protocol.ts'

/** The prefix of each kind; null for a kind that is a single channel. */
const PREFIX = {
  board: 'board:',
  project: 'project:',
  issue: 'issue:',
  attempt: 'attempt:',
  agent: 'agent:',
  session: 'session:',
  workflow: 'workflow:run:',
  shell: 'shell:terminal:',
  topic: 'topic:',
  dashboard: null,
  metrics: null,
  global: null,
} as const

export type ChannelKind = keyof typeof PREFIX

/** What a board's channel carries: whole states, or changes. */
export type View = 'full' | 'diff'

export interface Channel {
  readonly kind: ChannelKind
  /** Empty for a kind that is a single channel. */
  readonly id: string
  /** The spelling that the server sends. */
  readonly name: string
}

/** All accepted prefixes; the longer prefix of a kind comes first. */
const SPELLINGS: ReadonlyArray<readonly [string, ChannelKind]> = [
  ...kindsWithIds().map(([kind, prefix]) => [prefix, kind] as const),
  ['card:', 'issue'],
  ['agents/', 'agent'],
  ['sessions/', 'session'],
  ['topics/', 'topic'],
  ['shell:', 'shell'],
]

const BEGINNINGS: readonly string[] = [...SPELLINGS.map(([prefix]) => prefix), 'dashboard', 'metrics', 'global']

const NAME = /^[A-Za-z0-9:_.-]{1,256}$/
const BOARD_SUFFIX = /;(full|diff)$/

export function channelName(kind: ChannelKind, id: string): string {
  return (PREFIX[kind] ?? kind) + id
}

/** The channel that `text` names, or null if it is not a channel name. */
export function parseChannel(text: string): Channel | null {
  if (text === EVERYONE) return { kind: 'global', id: '', name: 'global' }
  if (text === 'dashboard' || text === 'metrics' || text === 'global') return { kind: text, id: '', name: text }
  for (const [prefix, kind] of SPELLINGS) {
    if (!text.startsWith(prefix)) continue
    const id = text.slice(prefix.length)
    const name = channelName(kind, id)
    return id !== '' && NAME.test(name) ? { kind, id, name } : null
  }
  return null
}

/** Like parseChannel, with the view that may follow the name of a board (`board:ID;full`). */
export function parseChannelWithView(text: string): (Channel & { readonly view: View }) | null {
  const suffix = BOARD_SUFFIX.exec(text)
  const channel = parseChannel(suffix ? text.slice(0, suffix.index) : text)
  if (!channel || (suffix && channel.kind !== 'board')) return null
  return { ...channel, view: suffix?.[1] === 'full' ? 'full' : 'diff' }
}

/** Whether `text` is a channel's name, or the beginning of some channels' names before a `*`. */
export function isChannelPattern(text: string): boolean {
  if (parseChannel(text) !== null) return true
  if (!/^[A-Za-z0-9:_./-]*\*$/.test(text)) return false
  const start = text.slice(0, -1)
  return BEGINNINGS.some((beginning) => beginning.startsWith(start)) || parseChannel(`${start}x`) !== null
}

function kindsWithIds(): Array<readonly [ChannelKind, string]> {
  return Object.entries(PREFIX).flatMap(([kind, prefix]) => (prefix ? [[kind as ChannelKind, prefix] as const] : []))
}
