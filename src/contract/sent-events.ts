/** What a connection sends besides answers: control events, snapshots, and the events of the channels that it shows. */
import { exampleIds } from '../../shared/src/catalogue/examples.ts'
import { type ChannelKind, channelName, type View } from '../../shared/src/channels.ts'
import { EVERYONE, UNSTORED } from '../../shared/src/protocol.ts'
import { channelSchema, postedOn, replayed } from './frames.ts'
import type { Components, JsonSchema } from './json-schema.ts'
import { exampleChannel, pascalCase, type Shown, shownEvents } from './payloads.ts'
import { controlEvents, unstoredEvents } from './stream-events.ts'

/** One name on one kind of channel. */
export interface SentEvent {
  /** `control`, `snapshot`, `everyone`, or the kind of the channel. */
  readonly kind: string
  /** null: clients choose it. */
  readonly event: string | null
  readonly summary: string
  readonly data: JsonSchema
  /** One for each type of event that has this name. */
  readonly examples: readonly SentExample[]
  readonly channel: JsonSchema
  /** The name of the channel, with its id in braces. */
  readonly address: string
  readonly isStored: boolean
  /** Of the catalogue. */
  readonly types: readonly string[]
  readonly view?: View | undefined
}

export interface SentExample {
  readonly name: string
  readonly event: string
  readonly channel: string
  readonly data: unknown
  readonly topic?: string
}

/** What is shown of a kind of channel: everything, or some names only. */
export interface Showing {
  shows(kind: string): boolean
  /** Names that are filtered out otherwise. */
  readonly only?: readonly string[]
  /** It begins with the newest attempts of a board. */
  readonly replays: boolean
}

export function sentEvents(components: Components, { shows, only, replays }: Showing): readonly SentEvent[] {
  const rows = shownEvents.filter(({ channel, event }) => shows(channel) && (!only || only.includes(event)))
  const events = [
    ...ofUnstored(components).filter(({ source, event }) => shows(source) && (!only || only.includes(event))),
    ...byName(rows).map((group) => ofCatalogue(components, group)),
    ...(['topic', 'global'] as const).filter((kind) => shows(kind) && !only).map(posted),
  ]
  return [...ofControl(components), ...events.map((sent) => (replays ? withReplayed(components, sent) : sent))]
}

function ofControl(components: Components): SentEvent[] {
  return Object.entries(controlEvents).map(([event, { summary, example }]) => ({
    kind: 'control',
    event,
    summary,
    data: components.refTo(pascalCase(event)),
    examples: [{ name: event, event, channel: EVERYONE, data: example }],
    channel: { const: EVERYONE },
    address: EVERYONE,
    isStored: false,
    types: [],
  }))
}

/** Snapshots, and what is sent to those who listen at the moment. `source`: the kind of the channel. */
function ofUnstored(components: Components): Array<SentEvent & { event: string; source: string }> {
  return unstoredEvents.flatMap(({ event, summary, example, channels, exampleChannel: first }) =>
    channels.map((source, index) => ({
      source,
      kind: event === UNSTORED.agentHeartbeat ? source : 'snapshot',
      event,
      summary,
      data: components.refTo(pascalCase(event)),
      examples: [{ name: event, event, channel: index === 0 ? first : source, data: example }],
      channel: channelSchema(source),
      address: addressOf(source),
      isStored: false,
      types: [],
    })),
  )
}

/** Several types may have one name on a channel. */
function byName(rows: readonly Shown[]): ReadonlyArray<readonly [Shown, ...Shown[]]> {
  const groups = new Map<string, [Shown, ...Shown[]]>()
  for (const row of rows) {
    const name = `${row.channel} ${row.event}`
    const group = groups.get(name)
    if (!group) groups.set(name, [row])
    // One event may show twice on a kind of channel: a subtask on two agents.
    else if (!group.some(({ type }) => type === row.type)) group.push(row)
  }
  return [...groups.values()]
}

function ofCatalogue(components: Components, group: readonly [Shown, ...Shown[]]): SentEvent {
  const [{ channel, event, name, destination }] = group
  return {
    kind: channel === EVERYONE ? 'everyone' : channel,
    event,
    summary: group.map(({ entry }) => entry.summary).join(' '),
    data: components.refTo(name),
    examples: group.map((shown) => ({
      name: shown.type,
      event,
      channel: exampleChannel(shown),
      data: shown.example,
    })),
    channel: channel === EVERYONE ? { const: EVERYONE } : channelSchema(channel),
    address: addressOf(channel),
    isStored: true,
    types: group.map(({ type }) => type),
    view: destination?.view,
  }
}

/** Its schema is that of the whole envelope (`postedOn`). */
function posted(kind: 'topic' | 'global'): SentEvent {
  const { properties } = postedOn(kind) as { properties: Readonly<Record<string, JsonSchema>> }
  return {
    kind,
    event: null,
    summary: "A client's own event, with the name and the data that it was posted with.",
    data: {},
    examples: [
      {
        name: 'topic.event',
        event: 'deploy.started',
        channel: kind === 'topic' ? channelName('topic', exampleIds.topic) : kind,
        data: { service: 'api', canary: true },
        ...(kind === 'global' && { topic: exampleIds.topic }),
      },
    ],
    channel: properties.channel ?? {},
    address: addressOf(kind),
    isStored: true,
    types: ['topic.event'],
  }
}

function withReplayed(components: Components, sent: SentEvent): SentEvent {
  const [first] = sent.examples
  if (sent.event !== 'attempt_status' || !first) return sent
  const example = { ...first, name: 'replayed', data: { ...(first.data as object), replayed: true } }
  const data = components.add('BoardAttemptStatus', { anyOf: [sent.data, replayed(components)] })
  return { ...sent, data, examples: [...sent.examples, example] }
}

/** The parameter of a channel's name is that of paths. */
const ID_NAME: Readonly<Partial<Record<string, string>>> = {
  board: 'boardId',
  project: 'boardId',
  issue: 'cardId',
  attempt: 'attemptId',
  agent: 'agentId',
  session: 'sessionId',
  workflow: 'runId',
  shell: 'shellId',
  topic: 'topic',
}

function addressOf(kind: string): string {
  const name = ID_NAME[kind]
  return name === undefined ? kind : channelName(kind as ChannelKind, `{${name}}`)
}
