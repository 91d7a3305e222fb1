/** The messages of AsyncAPI: events in the form that they have on a connection. */
import { exampleCursor, exampleTime } from '../../shared/src/catalogue/examples.ts'
import { EVERYONE, RETRY_MS } from '../../shared/src/protocol.ts'
import { CURSOR_PATTERN, envelopeOf, frameFields, postedName, postedOn } from './frames.ts'
import type { Components, JsonSchema } from './json-schema.ts'
import { pascalCase } from './payloads.ts'
import type { SentEvent, SentExample } from './sent-events.ts'
import type { SocketMessage } from './socket-messages.ts'
import { extraFields } from './stream-events.ts'

/** `bare`: a payload without its channel; `envelope`: with it. */
export type Shape = 'bare' | 'envelope'
export type Transport = 'http' | 'ws'

export interface Message {
  /** `KIND.NAME`. */
  readonly key: string
  readonly message: Readonly<Record<string, unknown>>
}

export interface Form {
  readonly transport: Transport
  readonly shape: Shape
}

/** The event as it leaves on a connection of this form. */
export function eventMessage(components: Components, sent: SentEvent, form: Form): Message {
  const { kind, event, summary, address, isStored, types, view } = sent
  const isStream = form.transport === 'http'
  return {
    key: `${kind}.${event ?? 'posted'}`,
    message: {
      ...(event !== null && { name: event }),
      title: titleOf(sent),
      summary,
      contentType: 'application/json',
      ...(isStream && { headers: headersOf(components, sent, form.shape) }),
      payload: payloadOf(components, sent, form),
      examples: sent.examples.map((example) => ({
        name: example.name,
        ...(isStream && { headers: exampleHeaders(event, example) }),
        payload: examplePayload(sent, example, form),
      })),
      'x-channel': address,
      'x-stored': isStored,
      ...(types.length > 0 && { 'x-domain-event': types.length === 1 ? types[0] : types }),
      ...(view && { 'x-view': view }),
    },
  }
}

/** A message that is no event. `prefix`: of the names of its components. */
export function socketMessage(
  components: Components,
  { type, summary, examples }: SocketMessage,
  { kind, component }: { kind: 'client' | 'control'; component: string },
): Message {
  return {
    key: `${kind}.${type}`,
    message: {
      name: type,
      title: sentence(type),
      summary,
      contentType: 'application/json',
      payload: components.refTo(component, kind === 'client' ? 'input' : 'output'),
      examples: examples.map((payload) => ({ payload })),
    },
  }
}

function titleOf({ kind, event, address }: SentEvent): string {
  const name = sentence(event ?? 'posted')
  if (kind === 'control') return name
  return address === EVERYONE ? `${name}, to everyone` : `${name}, on ${address}`
}

/** `card_moved`, `card.moved`: `Card moved`. */
function sentence(name: string): string {
  const words = name.replaceAll(/[._]/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** The fields of a frame besides `data`. On a stream of channels, `names=0` leaves the name out. */
function headersOf(components: Components, { kind, event }: SentEvent, shape: Shape): JsonSchema {
  const { properties, required } = frameFields(event === null ? postedName() : { const: event }, event)
  const name = pascalCase(event ?? 'posted')
  return components.add(`${shape === 'bare' ? name : pascalCase(kind) + name}Headers`, {
    type: 'object',
    properties,
    required: shape === 'bare' ? required : required.filter((field) => field !== 'event'),
    additionalProperties: false,
  })
}

function exampleHeaders(event: string | null, example: SentExample): object {
  const { id, retry } = extraFields(event)
  return {
    event: example.event,
    ...(id !== 'never' && { id: exampleCursor }),
    ...(retry === 'always' && { retry: RETRY_MS }),
  }
}

function payloadOf(components: Components, sent: SentEvent, { transport, shape }: Form): JsonSchema {
  const name = pascalCase(sent.event ?? 'posted')
  if (shape === 'bare') return transport === 'http' ? sent.data : components.add(`${name}Message`, bareMessage(sent))
  const whole = pascalCase(sent.kind) + name
  const envelope = envelopeSchema(sent)
  if (transport === 'http') return components.add(`${whole}Envelope`, envelope)
  const { properties, required, ...rest } = envelope as { properties: object; required: readonly string[] }
  return components.add(`${whole}Event`, {
    ...rest,
    // Only while `more=1` asks for it.
    properties: { type: { const: 'event' }, ...properties, more: { const: true } },
    required: ['type', ...required],
  })
}

function envelopeSchema({ kind, channel, event, data, isStored }: SentEvent): JsonSchema {
  return event === null ? postedOn(kind === 'topic' ? 'topic' : 'global') : envelopeOf(channel, event, data, isStored)
}

function bareMessage({ event, data }: SentEvent): JsonSchema {
  const { id } = extraFields(event)
  return {
    type: 'object',
    properties: {
      type: { const: event },
      payload: data,
      ...(id !== 'never' && { id: { type: 'string', pattern: CURSOR_PATTERN } }),
    },
    required: ['type', 'payload', ...(id === 'always' ? ['id'] : [])],
    additionalProperties: false,
  }
}

function examplePayload(
  { isStored, event: name }: SentEvent,
  example: SentExample,
  { transport, shape }: Form,
): unknown {
  const { event, channel, data, topic } = example
  if (shape === 'bare') {
    if (transport === 'http') return data
    return { type: event, payload: data, ...(extraFields(name).id !== 'never' && { id: exampleCursor }) }
  }
  return {
    ...(transport === 'ws' && { type: 'event' }),
    channel,
    event,
    data,
    timestamp: Date.parse(exampleTime),
    ...(isStored && { actor: null }),
    id: exampleCursor,
    ...(topic !== undefined && { topic }),
  }
}
