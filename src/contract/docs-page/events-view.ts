/** Every event on every kind of channel, control events, snapshots, and the messages of sockets. */
import { jsonBlock } from './code.ts'
import type { AsyncApiDocument, Documents, MessageObject, Schema } from './documents.ts'
import { type Content, html, inline, joined } from './html.ts'
import type { Entry, Part } from './part.ts'
import { BASE } from './place.ts'
import type { SchemaView } from './schema-view.ts'

interface Sight {
  /** The name of the connection. */
  readonly on: string
  readonly message: MessageObject
}

const INTROS: Readonly<Record<string, string>> = {
  everyone: 'Events that every connection gets, whatever it follows.',
  global: 'Every stored event, under the name of its type and with the ids of what it is about.',
  control: 'About the connection itself: on every stream and socket. On a stream of channels their channel is `*`.',
  snapshot: 'The state of things, rendered from the database when it is sent. A client that has one needs no history.',
  client: 'What a client sends on a socket. Everything that it sends over HTTP is in [operations].',
}

/** Kinds that are no channel, after those that are. */
const LAST = ['everyone', 'global', 'control', 'snapshot', 'client']

export function eventParts({ asyncApi }: Documents, view: SchemaView): readonly Part[] {
  const keys = sightsByKey(asyncApi)
  const kinds = [...new Set([...keys.keys()].map(kindOf))]
  const ordered = [...kinds.filter((kind) => !LAST.includes(kind)).sort(byText), ...LAST]
  return ordered.map((kind) => {
    const own = [...keys].filter(([key]) => kindOf(key) === kind).sort(([a], [b]) => byText(a, b))
    const channel = own[0]?.[1][0]?.message['x-channel']
    return {
      id: `events-${kind}`,
      title: titleOf(kind, channel),
      intro: introOf(kind, channel),
      entries: own.map(([key, sights]) => entryOf(key, sights, view)),
    }
  })
}

function titleOf(kind: string, channel: string | undefined): string {
  switch (kind) {
    case 'everyone':
      return 'To everyone'
    case 'control':
      return 'Control events'
    case 'snapshot':
      return 'Snapshots'
    case 'client':
      return 'Messages of clients'
    default:
      return channel ?? kind
  }
}

function introOf(kind: string, channel: string | undefined): Content {
  const text = INTROS[kind]
  if (text === undefined) return html`<p>Events on the channel <code>${channel ?? kind}</code>.</p>`
  const [before = '', after] = text.split('[operations]')
  return html`<p>${inline(before)}${after !== undefined && html`<a href="#operations">operations</a>${after}`}</p>`
}

/** Where each message is sent, by its key. */
function sightsByKey({ channels }: AsyncApiDocument): Map<string, Sight[]> {
  const keys = new Map<string, Sight[]>()
  for (const [on, { messages }] of Object.entries(channels)) {
    for (const [key, message] of Object.entries(messages)) {
      keys.set(key, [...(keys.get(key) ?? []), { on, message }])
    }
  }
  return keys
}

function entryOf(key: string, sights: readonly Sight[], view: SchemaView): Entry {
  const name = key.slice(kindOf(key).length + 1)
  const isEvent = sights.some(({ message }) => message['x-channel'] !== undefined)
  const summaries = [...new Set(sights.map(({ message }) => message.summary))]
  return {
    id: key,
    title: name === 'posted' ? 'any other name' : name,
    note: sights[0]?.message['x-channel'],
    words: summaries.join(' '),
    content: isEvent ? eventContent(key, sights, view) : messageContent(sights, view),
  }
}

function eventContent(key: string, sights: readonly Sight[], view: SchemaView): Content {
  const { message, schema, dataOf } = bareOf(sights, view)
  const { summary, examples, name, 'x-stored': isStored, 'x-view': onlyView, 'x-domain-event': types } = message
  const isGlobal = key.startsWith('global.')
  return html`<div class="pair"><div><p>${inline(summary)}</p>
${view.fields(schema)}
<p class="facts">${
    types !== undefined && !isGlobal && html`Shows ${joined([types].flat().map(typeLink), ', ')}. `
  }${isStored ? 'Stored, and replayed when a stream resumes.' : 'Not stored.'}${
    onlyView !== undefined && html` Only in the view <code>${onlyView}</code>.`
  } On ${joined(sights.map(connectionLink), ', ')}.${
    name !== undefined &&
    html` <a href="${BASE}/schemas/${kindOf(key)}/${name}.schema.json" aria-label="JSON Schema of ${key}">JSON Schema</a>`
  }</p></div><div>
${examples.map((example) => jsonBlock(examples.length > 1 ? `Example: ${example.name}` : 'Example', dataOf(example.payload)))}
</div></div>`
}

/** The payload alone: bare where a stream sends it so, otherwise in an envelope. */
function bareOf(sights: readonly Sight[], view: SchemaView) {
  const bare = sights.find(({ on }) => /^(board|dashboard|agent)Stream$/.test(on))
  if (bare) return { message: bare.message, schema: bare.message.payload, dataOf: (payload: unknown) => payload }
  const [{ message }] = sights as readonly [Sight, ...Sight[]]
  const { properties } = view.resolve(message.payload) as { properties: Readonly<Record<string, Schema>> }
  return {
    message,
    schema: properties.data ?? {},
    dataOf: (payload: unknown) => (payload as { readonly data: unknown }).data,
  }
}

/** Sockets have messages of one name and different forms. */
function messageContent(sights: readonly Sight[], view: SchemaView): Content {
  return sights.map(
    ({ on, message }) => html`<div class="pair"><div>
<h5>On ${connectionLink({ on })}</h5><p>${inline(message.summary)}</p>${view.fields(message.payload)}</div><div>
${message.examples.map(({ payload }, index, all) => jsonBlock(all.length > 1 ? `Example ${index + 1}` : 'Example', payload))}
</div></div>`,
  )
}

function connectionLink({ on }: Pick<Sight, 'on'>): Content {
  return html`<a href="#${on}">${on}</a>`
}

function typeLink(type: string): Content {
  return html`<a href="#global.${type === 'topic.event' ? 'posted' : type}">${type}</a>`
}

function kindOf(key: string): string {
  return key.slice(0, key.indexOf('.'))
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
