/** The events of a stream, as the HTML standard parses them: one schema for each name, and one for all of them. */
import { catalogue } from '../../shared/src/catalogue.ts'
import { type ChannelKind, channelName } from '../../shared/src/channels.ts'
import { EVERYONE, RESERVED_EVENT_NAMES } from '../../shared/src/protocol.ts'
import { envelope } from '../../shared/src/types/envelope.ts'
import { eventName } from '../../shared/src/types/text.ts'
import { COMPONENTS, type Components, inlineSchema, type JsonSchema } from './json-schema.ts'
import { pascalCase, shownEvents } from './payloads.ts'
import { controlEvents, extraFields, type Presence, unstoredEvents } from './stream-events.ts'

/** 3.2 describes the text of an event, 3.1 what a client makes of it. */
export type DataForm = 'text' | 'parsed'

/** Kinds whose streams show bare payloads when they are followed alone. */
const BARE: ReadonlySet<string> = new Set(['board', 'dashboard', EVERYONE])
const ID = '[A-Za-z0-9:_.-]+'
export const CURSOR_PATTERN = '^[0-9a-f]{8}-(0|[1-9][0-9]{0,15})$'
const SINGLE: ReadonlySet<string> = new Set(['dashboard', 'metrics', 'global', EVERYONE])

/** The reference to the schema of one event of `/sse`, or of `/events/{agentId}`. */
export function frameSchema(components: Components, of: 'boards' | 'agent', form: DataForm): JsonSchema {
  const names = of === 'boards' ? namesOnBoards(components) : namesOfAgent(components)
  const suffix = of === 'boards' ? 'Frame' : 'AgentFrame'
  const nameOf = (event: string) => componentName(event, names) + suffix
  const branches = [...names].map(([event, data]) =>
    components.add(nameOf(event), frame(frameFields({ const: event }, event), data, form)),
  )
  const mapping = Object.fromEntries([...names.keys()].map((event) => [event, COMPONENTS + nameOf(event)]))
  const posted =
    of === 'agent'
      ? []
      : [
          components.add('PostedFrame', frame(frameFields(postedName(), null), [postedEnvelope()], form)),
          components.add('NamelessFrame', frame(namelessFields(form), everyEnvelope(components), form)),
        ]
  return components.add(of === 'boards' ? 'StreamFrame' : 'AgentStreamFrame', {
    oneOf: [...branches, ...posted],
    // The names that clients choose cannot be listed, so a discriminator would not know them.
    ...(of === 'agent' && { discriminator: { propertyName: 'event', mapping } }),
  })
}

/** `card_moved` on a board and `card.moved` on `global` are two names. */
function componentName(event: string, names: ReadonlyMap<string, unknown>): string {
  const name = pascalCase(event)
  const isShared = event.includes('.') && [...names.keys()].some((one) => one !== event && pascalCase(one) === name)
  return isShared ? `Global${name}` : name
}

/** What `data` can hold, by name, on a stream of a board, of the dashboard or of channels. */
function namesOnBoards(components: Components): Map<string, JsonSchema[]> {
  const names = new Map<string, JsonSchema[]>()
  const put = (event: string, schema: JsonSchema) => {
    const known = names.get(event) ?? []
    if (!known.some((other) => JSON.stringify(other) === JSON.stringify(schema))) names.set(event, [...known, schema])
  }
  for (const [event, data] of controlData(components)) {
    put(event, data)
    put(event, envelopeOf({ const: EVERYONE }, event, data, false))
  }
  for (const { event, channels } of unstoredEvents) {
    const data = components.refTo(pascalCase(event))
    if (channels.some((kind) => BARE.has(kind))) put(event, data)
    for (const kind of channels) put(event, envelopeOf(channelSchema(kind), event, data, false))
  }
  for (const { event, channel, name } of shownEvents) {
    const data = components.refTo(name)
    if (BARE.has(channel)) put(event, data)
    put(event, envelopeOf(channelSchema(channel), event, data, true))
  }
  // A stream of one board begins with the newest attempt of each card.
  put('attempt_status', replayed(components))
  return names
}

function namesOfAgent(components: Components): Map<string, readonly JsonSchema[]> {
  const output = shownEvents.filter(({ channel, event }) => channel === 'agent' && event.startsWith('output'))
  return new Map<string, readonly JsonSchema[]>([
    ...controlData(components).map(([event, data]) => [event, [data]] as const),
    ...output.map(({ event, name }) => [event, [components.refTo(name)]] as const),
  ])
}

function controlData(components: Components): Array<readonly [string, JsonSchema]> {
  return Object.keys(controlEvents).map((event) => [event, components.refTo(pascalCase(event))] as const)
}

/** An `attempt_status` of the opening of a board. */
export function replayed(components: Components): JsonSchema {
  components.refTo('AttemptStatus')
  const { properties, required } = components.used.AttemptStatus as unknown as {
    properties: Record<string, JsonSchema>
    required: readonly string[]
  }
  return components.add('ReplayedAttemptStatus', {
    type: 'object',
    properties: { ...properties, replayed: { const: true } },
    required: [...required, 'replayed'],
    additionalProperties: false,
  })
}

/** The fields of an event beside `data`. `name`: the schema of its name; `event`: that name, if it is ours. */
export function frameFields(name: JsonSchema, event: string | null): Fields {
  const { id, retry } = extraFields(event)
  const fields = { event: { type: 'string', ...name }, id: ID_FIELD, retry: RETRY_FIELD }
  const presence: Readonly<Record<string, Presence>> = { event: 'always', id, retry }
  const kept = Object.entries(fields).filter(([field]) => presence[field] !== 'never')
  return {
    properties: Object.fromEntries(kept),
    required: kept.flatMap(([field]) => (presence[field] === 'always' ? [field] : [])),
  }
}

/** Some schemas of properties, and the names of those that are always there. */
export interface Fields {
  readonly properties: Readonly<Record<string, JsonSchema>>
  readonly required: readonly string[]
}

const ID_FIELD = { type: 'string', pattern: CURSOR_PATTERN }
const RETRY_FIELD = { type: 'integer', minimum: 0 }

/** A parser that follows the HTML standard calls an event without a name `message`, others leave `event` out. */
function namelessFields(form: DataForm): Fields {
  const event = form === 'parsed' && { event: { const: 'message' } }
  return { properties: { ...event, id: ID_FIELD, retry: RETRY_FIELD }, required: [] }
}

function frame({ properties, required }: Fields, data: readonly JsonSchema[], form: DataForm): JsonSchema {
  const content = data.length === 1 && data[0] ? data[0] : { anyOf: data }
  const text = { type: 'string', contentMediaType: 'application/json', contentSchema: content }
  const { event, ...rest } = properties
  return {
    type: 'object',
    properties: { ...(event && { event }), data: form === 'text' ? text : content, ...rest },
    required: [...required, 'data'],
    additionalProperties: false,
  }
}

/** `isStored`: it has an author. */
export function envelopeOf(channel: JsonSchema, event: string, data: JsonSchema, isStored: boolean): JsonSchema {
  return {
    type: 'object',
    properties: {
      channel,
      event: { const: event },
      data,
      timestamp: { type: 'integer', minimum: 0 },
      ...(isStored && { actor: { type: ['string', 'null'] } }),
      id: { type: 'string', pattern: CURSOR_PATTERN },
    },
    required: ['channel', 'event', 'data', 'timestamp', ...(isStored ? ['actor'] : []), 'id'],
    additionalProperties: false,
  }
}

/** The envelope of every stored event on every kind of channel that shows it, for `Envelope`. */
export function exactEnvelope(components: Components): JsonSchema {
  const stored = shownEvents.map(({ event, channel, name }) =>
    envelopeOf(channelSchema(channel), event, components.refTo(name), true),
  )
  return { anyOf: [...stored, postedEnvelope()] }
}

/** What `data` can be where events have no names. */
function everyEnvelope(components: Components): JsonSchema[] {
  const control = controlData(components).map(([event, data]) => envelopeOf({ const: EVERYONE }, event, data, false))
  const unstored = unstoredEvents.flatMap(({ event, channels }) =>
    channels.map((kind) => envelopeOf(channelSchema(kind), event, components.refTo(pascalCase(event)), false)),
  )
  return [components.ref(envelope, 'output'), ...control, ...unstored]
}

function postedEnvelope(): JsonSchema {
  return { oneOf: [postedOn('topic'), postedOn('global')] }
}

/** Of an event that a client posted: on its topic, and on `global`, which names the topic. */
export function postedOn(kind: 'topic' | 'global'): JsonSchema {
  const { properties, required, ...rest } = envelopeOf(channelSchema(kind), '', {}, true)
  const topic = kind === 'global' && { topic: { type: 'string', pattern: `^${ID}$` } }
  return {
    ...rest,
    properties: { ...(properties as object), event: postedName(), ...topic },
    required: [...(required as string[]), ...(topic ? ['topic'] : [])],
  }
}

/** Names of clients: none that the server uses, and none that a browser fires itself. */
export function postedName(): JsonSchema {
  const ours = new Set<string>([
    ...shownEvents.map(({ event }) => event),
    ...Object.keys(controlEvents),
    ...unstoredEvents.map(({ event }) => event),
    ...Object.keys(catalogue),
    ...RESERVED_EVENT_NAMES,
  ])
  return { ...inlineSchema(eventName, 'output'), not: { enum: [...ours].sort() } }
}

export function channelSchema(kind: string): JsonSchema {
  if (SINGLE.has(kind)) return { const: kind }
  const start = channelName(kind as ChannelKind, '')
  const id = kind === 'board' || kind === 'project' ? '[a-z0-9][a-z0-9_-]{0,63}' : ID
  return { type: 'string', pattern: `^${start}${id}$` }
}
