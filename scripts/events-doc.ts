/**
 * docs/events.md, generated from the catalogue: `npm run docs:events`. A test fails when the file is out of date.
 *
 *   catalogue entry  ->  where it shows, its fields (z.toJSONSchema), its example
 *   named schemas    ->  one section of types that fields refer to
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { cardChanges } from '../shared/src/catalogue/boards.ts'
import { runChanges } from '../shared/src/catalogue/workflows.ts'
import { catalogue, type Destination, type Entry } from '../shared/src/catalogue.ts'
import { type ChannelKind, channelName, parseChannel } from '../shared/src/channels.ts'
import { type ControlEvent, EVERYONE, SNAPSHOT, UNSTORED } from '../shared/src/protocol.ts'
import { conversationItem } from '../shared/src/types/conversation.ts'
import { overview } from '../shared/src/types/dashboard.ts'
import { gitSummary } from '../shared/src/types/git.ts'
import {
  attemptStatus,
  board,
  boardState,
  card,
  cardAttempt,
  column,
  priority,
  pullRequest,
  stage,
  ticketType,
  todos,
} from '../shared/src/types/kanban.ts'
import { sessionStatus } from '../shared/src/types/sessions.ts'
import { progress, runStatus } from '../shared/src/types/workflows.ts'
import { snapshotSources } from '../src/server/snapshot-sources.ts'
import { type Field, flattened, propertiesOf, type Schema, typeWord } from './schema-words.ts'

export const EVENTS_DOC = fileURLToPath(new URL('../docs/events.md', import.meta.url))

/** Every kind of channel: its second spelling, and what it is about. */
const CHANNELS: Readonly<Record<ChannelKind, { also?: string; about: string }>> = {
  board: { about: 'One board and what happens on it.' },
  project: { about: 'The same board, for issue trackers and runners.' },
  issue: { also: 'card:ID', about: 'One card.' },
  attempt: { about: 'One attempt.' },
  agent: { also: 'agents/ID', about: 'One agent.' },
  session: { also: 'sessions/ID', about: 'One session of an agent.' },
  workflow: { about: 'One run of a workflow.' },
  shell: { also: 'shell:ID', about: 'One terminal.' },
  topic: { also: 'topics/ID', about: "Clients' own events, and mail on a topic." },
  dashboard: { about: 'The overview of all boards.' },
  metrics: { about: 'Figures of the service.' },
  global: { also: '*', about: 'Every event.' },
}

const CONTROL_FRAMES: Readonly<Record<ControlEvent, string>> = {
  hello: '`{serverTime, connectionId, resumed, heartbeatMs}`: opens every stream (S11)',
  heartbeat: '`{ts}`: every 15 s, with the newest id (S12)',
  gap: '`{requested, oldest, reason}`: the cursor cannot be used; fresh state follows (R8 to R11, M4)',
  draining: '`{retryMs}`: the server shuts down; reconnect after this time (E4)',
  overloaded: '`{retryMs}`: too many streams (RS16), or no keys yet (AU11); reconnect after this time',
  auth_expiring: '`{expiresAt}`: the credential lapses then, 30 s from now or sooner (RS11)',
  auth_expired: '`{}`: the credential has lapsed; the end follows (RS11)',
}

/** Families of events, by the first word of their names. */
const FAMILIES: ReadonlyArray<readonly [title: string, ...words: string[]]> = [
  ['Boards, columns and cards', 'board', 'column', 'card'],
  ['Attempts', 'attempt', 'github'],
  ['Repositories and files', 'git', 'file'],
  ['Agents', 'agent'],
  ['Topics', 'topic'],
  ['Tasks', 'task', 'subtask'],
  ['Messages', 'message'],
  ['Sessions', 'session'],
  ['Workflows', 'workflow'],
  ['Terminals', 'shell'],
]

/** The conditions of destinations: by event, and wire name, field of the channel's id, or channel. */
const CONDITIONS: Readonly<Record<string, string>> = {
  'card.moved status_changed': 'only if the column changed',
  ...Object.fromEntries(
    ['created', 'updated', 'completed', 'failed'].map((name) => [
      `subtask.${name} agent_type`,
      'only if it differs from `agent_id`',
    ]),
  ),
  ...Object.fromEntries(
    ['new', 'read', 'expired'].map((name) => [`message.${name} *`, 'only without addressee and topic']),
  ),
}

/** Schemas that many events share; each has its own section. */
const NAMED = {
  AttemptStatus: attemptStatus,
  Board: board,
  BoardState: boardState,
  Card: card,
  CardAttempt: cardAttempt,
  CardChanges: cardChanges,
  Column: column,
  ConversationItem: conversationItem,
  GitSummary: gitSummary,
  Overview: overview,
  Priority: priority,
  Progress: progress,
  PullRequest: pullRequest,
  RunChanges: runChanges,
  RunStatus: runStatus,
  SessionStatus: sessionStatus,
  Stage: stage,
  TicketType: ticketType,
  Todos: todos,
}

const names = z.registry<{ id: string }>()
for (const [id, schema] of Object.entries(NAMED)) names.add(schema, { id })

/** The whole document. Throws if the catalogue has an event type of an unknown family. */
export function renderEvents(): string {
  const families = FAMILIES.map(([title, ...words]) => ({ title, types: typesOf(words) })).filter(
    ({ types }) => types.length,
  )
  const described = new Set(families.flatMap(({ types }) => types))
  const missing = Object.keys(catalogue).filter((type) => !described.has(type))
  if (missing.length > 0) throw new Error(`FAMILIES in scripts/events-doc.ts has no family of ${missing.join(', ')}`)
  return `${[
    '# Events',
    'Generated from the catalogue (`shared/src/catalogue/`) by `npm run docs:events`; do not edit.',
    [
      'Every event has a domain name (`card.moved`), under which `global` shows it with all fields, and wire names',
      '(`card_moved`), under which other channels show it. _Bare_ is the payload without the fields that are only on `global`.',
      'The envelope around it names who caused the event (K13).',
      '`?` marks a field that may be missing; `time` is ISO 8601 in UTC with milliseconds. Numbers such as K11 are rules of',
      '[protocol.md](protocol.md) and [api.md](api.md).',
    ].join('\n'),
    families.map(contentsOf).join('\n'),
    '## Channels',
    channelList(),
    '## Snapshots and control events',
    'They are never stored. Snapshots are exact at their id; control events pass every `types` filter.',
    unstoredTable(),
    ...families.flatMap(({ title, types }) => [
      `## ${title}`,
      ...types.map((type) => eventSection(type, entryNamed(type))),
    ]),
    '## Types',
    ...Object.entries(NAMED).map(([name, schema]) => typeSection(name, schema)),
  ].join('\n\n')}\n`
}

function typesOf(words: readonly string[]): string[] {
  return Object.keys(catalogue).filter((type) => words.includes(type.split('.')[0] ?? ''))
}

function entryNamed(type: string): Entry {
  return (catalogue as Record<string, Entry>)[type] as Entry
}

function contentsOf({ title, types }: { title: string; types: readonly string[] }): string {
  const links = types.map((type) => `[\`${type}\`](#${type.replaceAll('.', '')})`)
  return `- ${title}: ${links.join(', ')}`
}

function channelList(): string {
  return Object.entries(CHANNELS)
    .map(([kind, { also, about }]) => {
      const name = channelName(kind as ChannelKind, ['dashboard', 'metrics', 'global'].includes(kind) ? '' : 'ID')
      if (also && parseChannel(also)?.name !== name) throw new Error(`${also} is not another spelling of ${name}`)
      const spelled = also ? `, also spelled ${code(also)}` : ''
      return `- ${code(name)}${spelled}: ${about} Shows ${showingOn(kind as ChannelKind)}.`
    })
    .join('\n')
}

function showingOn(kind: ChannelKind): string {
  if (kind === 'global') return `every event under its domain name, and ${code(UNSTORED.agentHeartbeat)}`
  const entries = Object.values<Entry>(catalogue).filter(({ to }) => to.some(showsOn(kind)))
  const posted = entries.some(({ isPosted }) => isPosted) ? ['the events that clients post'] : []
  const declared = entries.filter(({ isPosted }) => !isPosted)
  const shown = new Set(declared.flatMap(({ to }) => to.filter(showsOn(kind)).map(wireName)))
  const snapshot = snapshotSources[kind]?.event
  const unstored = kind === 'agent' ? [UNSTORED.agentHeartbeat] : []
  return [...posted, ...[...(snapshot ? [snapshot] : []), ...shown, ...unstored].map(code)].join(', ')
}

function showsOn(kind: ChannelKind) {
  return ({ channel, silent }: Destination) => channel === kind && !silent
}

function wireName({ event }: Destination): string {
  return event
}

function unstoredTable(): string {
  return table(
    ['name', 'payload'],
    [
      [code(SNAPSHOT.state), '[BoardState](#boardstate): a whole board (Y2)'],
      [code(SNAPSHOT.dashboardOverview), '[Overview](#overview): all boards (Y8)'],
      [code(SNAPSHOT.metricUpdate), 'figures of the service (MT1), on joining and every 5 s (MT8, MT9)'],
      [
        code(UNSTORED.agentHeartbeat),
        '`{agent_id, timestamp}`: a heartbeat of an agent, on `agent:ID` and `global` (AO1); ephemeral',
      ],
      ...Object.entries(CONTROL_FRAMES).map(([name, payload]) => [code(name), payload]),
    ],
  )
}

function eventSection(type: string, entry: Entry): string {
  const kept = entry.keep === 'board' ? 'Kept forever.' : 'Transient.'
  const refreshed = entry.refreshes.map((kind) => (kind === 'board' ? '`state`' : '`dashboard_overview`'))
  const refreshes = refreshed.length > 0 ? ` Followed by ${refreshed.join(' and ')}.` : ''
  return [
    `### ${type}`,
    `${entry.summary} ${kept}${refreshes}`,
    destinationTable(type, entry),
    fieldTable([
      ...fieldsOf(entry.about).map((field) => ({ ...field, where: '`global`' })),
      ...fieldsOf(entry.shows).map((field) => ({ ...field, where: '' })),
    ]),
    `\`\`\`json\n${jsonText(entry.example)}\n\`\`\``,
  ].join('\n\n')
}

function destinationTable(type: string, entry: Entry): string {
  const rows = entry.to.map((destination) => {
    const channel = destination.channel === EVERYONE ? 'every connection' : code(channelWord(destination))
    const shown = destination.silent ? ['', 'nothing'] : shownAs(entry, destination)
    return [channel, ...shown, conditionWord(type, destination)]
  })
  const everywhere = entry.isPosted ? ['its `event`', 'its `data`'] : [code(type), 'all fields']
  return table(['shows on', 'as', 'payload', ''], [...rows, ['`global`', ...everywhere, '']])
}

function shownAs({ isPosted }: Entry, destination: Destination): string[] {
  return isPosted ? ['its `event`', 'its `data`'] : [code(destination.event), payloadWord(destination)]
}

function channelWord({ channel, by }: Destination): string {
  if (channel === EVERYONE) return EVERYONE
  return by ? `${channelName(channel, '')}${by}` : channelName(channel, 'ID')
}

function payloadWord({ payload, lines }: Destination): string {
  if (!payload) return 'bare'
  const fields = fieldsOf(payload).map(({ name, type }) => `${name}: ${type}`)
  return `${code(`{${fields.join(', ')}}`)}${lines ? ', lines joined (K11)' : ''}`
}

function conditionWord(type: string, destination: Destination): string {
  const words: string[] = []
  const concerned = Object.keys(destination.concerns ?? {})
  if (concerned.length > 0) words.push(`with a right to the ${concerned.join(' or ')} (RS2)`)
  if (destination.view) words.push(`${destination.view} view`)
  if (destination.when) {
    const keys = [destination.event, destination.by, destination.channel].map((key) => `${type} ${key}`)
    words.push(keys.map((key) => CONDITIONS[key]).find(Boolean) ?? 'conditional: see the catalogue')
  }
  if (destination.ends) words.push('ends the channel')
  return words.join(', ')
}

function typeSection(name: string, schema: z.ZodType): string {
  const json = jsonSchema(schema)
  if (json.enum) return `### ${name}\n\nOne of ${json.enum.map((value) => code(String(value))).join(', ')}.`
  const variants = json.anyOf ?? json.oneOf
  if (!variants) return `### ${name}\n\n${fieldTable(flattened(json).map((field) => ({ ...field, where: '' })))}`
  const parts = variants.map((variant) => `- ${code(typeWord(variant))}`)
  return `### ${name}\n\nOne of:\n\n${parts.join('\n')}`
}

function fieldsOf(schema: z.ZodType): Field[] {
  return propertiesOf(jsonSchema(schema))
}

function fieldTable(fields: ReadonlyArray<Field & { readonly where: string }>): string {
  const isMarked = fields.some(({ where }) => where !== '')
  return table(
    ['field', 'type', 'bounds', ...(isMarked ? ['only on'] : [])],
    fields.map(({ name, type, bounds, where }) => [code(name), linked(type), bounds, ...(isMarked ? [where] : [])]),
  )
}

function jsonSchema(schema: z.ZodType): Schema {
  const json = z.toJSONSchema(schema, { metadata: names }) as Schema
  // A named schema is emitted as a reference to itself.
  return (json.$ref && json.$defs?.[json.$ref.replace('#/$defs/', '')]) || json
}

function linked(type: string): string {
  const name = /^\w+/.exec(type)?.[0] ?? ''
  return name in NAMED ? `[${type.replace('[]', '\\[\\]')}](#${name.toLowerCase()})` : code(type)
}

function code(text: string): string {
  return text === '' ? '' : `\`${text}\``
}

/** Indented, with lists of plain values on one line, as the formatter writes it. */
function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(/\[\n\s*([^[\]{}]*?)\n\s*\]/g, (_, items: string) => {
    return `[${items.replace(/\n\s*/g, ' ')}]`
  })
}

/** Padded as the formatter pads tables, so that the file passes the style check. */
function table(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const [first = [], ...rest] = cells
  return [line(first), line(widths.map((width) => '-'.repeat(width))), ...rest.map(line)].join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(EVENTS_DOC, renderEvents())
