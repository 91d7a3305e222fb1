/** The AsyncAPI document: valid, complete in itself, exact, and made of the catalogue. async-story.test.ts asks a server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { catalogue, type Entry } from '../../shared/src/catalogue.ts'
import { type ChannelKind, channelName } from '../../shared/src/channels.ts'
import { CLOSE, CONTROL } from '../../shared/src/protocol.ts'
import { renderAsyncApi } from '../../src/contract/index.ts'
import { boardCommands } from '../../src/ws/board-messages.ts'
import { channelMessages } from '../../src/ws/channel-messages.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import {
  type AsyncMessage,
  asyncApi,
  asyncSpecification,
  type Json,
  newDraft07,
  openApi,
  operations,
  references,
  resolve,
} from './documents.ts'

const document = asyncApi()
const { channels } = document
const CHANNELS = Object.entries(channels)
const MESSAGES = CHANNELS.flatMap(([channel, { messages }]) =>
  Object.entries(messages).map(([key, message]) => ({ channel, key, message, where: `${channel} ${key}` })),
)
/** What each connection shows, on which transport, and in which form. */
const TABLE = {
  boardStream: { address: '/sse', server: 'http', kinds: ['board', '*'] },
  dashboardStream: { address: '/sse', server: 'http', kinds: ['dashboard', '*'] },
  channelStream: { address: '/sse', server: 'http', kinds: null },
  agentStream: { address: '/events/{agentId}', server: 'http', kinds: [] },
  boardSocket: { address: '/ws', server: 'ws', kinds: ['board', '*'] },
  dashboardSocket: { address: '/ws/dashboard', server: 'ws', kinds: ['dashboard', '*'] },
  channelSocket: { address: '/ws', server: 'ws', kinds: null },
} as const
const SNAPSHOTS = { board: 'state', dashboard: 'dashboard_overview', metrics: 'metric.update' } as const
const ENVELOPED: ReadonlySet<string> = new Set(['channelStream', 'channelSocket'])
const isStream = (channel: string) => channel.endsWith('Stream')

function shows(channel: keyof typeof TABLE, kind: string): boolean {
  const kinds: readonly string[] | null = TABLE[channel].kinds
  return kinds === null || kinds.includes(kind)
}

function message(channel: string, key: string): AsyncMessage {
  const found = channels[channel]?.messages[key]
  if (!found) throw new Error(`${channel} has no ${key}`)
  return found
}

const entries: ReadonlyArray<readonly [string, Entry]> = Object.entries(catalogue)

it('[CON14a] is AsyncAPI 3.0.0, and valid by the official schema', () => {
  expect(document.asyncapi).toBe('3.0.0')
  expect(document.info).toMatchObject({ title: 'Boardcast', version: packageJson.version })
  const valid = asyncSpecification()
  expect(valid(document), JSON.stringify(valid.errors?.slice(0, 3))).toBe(true)
})

it('[CON14b] has schemas of draft-07 that mean what those of OpenAPI mean', () => {
  const ajv = newDraft07()
  const { schemas = {} } = openApi('3.2').components
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    expect(ajv.validateSchema(schema), name).toBe(true)
    expect(
      keywordsOf(schema).filter((keyword) => !IN_BOTH_DIALECTS.has(keyword)),
      name,
    ).toEqual([])
    const other = schemas[name]
    if (other) expect(schema, name).toEqual(other)
  }
  // The payloads of events are the same components.
  const shared = Object.keys(document.components.schemas).filter((name) => name in schemas)
  expect(shared).toEqual(expect.arrayContaining(['CardMoved', 'GlobalCardMoved', 'AttemptStatus', 'State', 'Hello']))
})

it('[CON4b] [CON14c] has references that lead somewhere in it, and no component that nothing refers to', () => {
  const found = new Set(references(document))
  for (const reference of found) expect(resolve(document, reference), reference).toBeDefined()
  const unused = Object.entries(document.components).flatMap(([kind, components]) =>
    Object.keys(components).filter((name) => !found.has(`#/components/${kind}/${name}`)),
  )
  expect(unused).toEqual([])
  for (const { where, channel, key } of MESSAGES)
    expect(found, where).toContain(`#/channels/${channel}/messages/${key}`)
})

it('[CON7b] names its components in PascalCase, and every payload and headers by one', () => {
  for (const { where, message: one } of MESSAGES) {
    for (const { $ref, ...siblings } of one.headers ? [one.payload, one.headers] : [one.payload]) {
      expect([String($ref), siblings], where).toEqual([expect.stringMatching(/^#\/components\/schemas\//), {}])
    }
  }
  expect(Object.keys(document.components.schemas).filter((name) => !/^([A-Z][a-z0-9]*)+$/.test(name))).toEqual([])
})

it('[CON15a] has the connections as channels, each with its address and server', () => {
  const described = Object.fromEntries(
    CHANNELS.map(([name, { address, servers }]) => [name, { address, servers: servers.map(({ $ref }) => $ref) }]),
  )
  const expected = Object.fromEntries(
    Object.entries(TABLE).map(([name, { address, server }]) => [name, { address, servers: [`#/servers/${server}`] }]),
  )
  expect(described).toEqual(expected)
  expect(Object.keys(document.servers)).toEqual(['http', 'ws'])
})

it('[CON15b] has payloads as the connection has them', () => {
  const payloadOf = (channel: string, key: string) => {
    const { payload } = message(channel, key)
    return (payload.$ref ? resolve(document, String(payload.$ref)) : payload) as {
      properties: Json
      required: string[]
    }
  }
  for (const { channel, key, message: one } of MESSAGES.filter(({ message: one }) => one.headers)) {
    if (!ENVELOPED.has(channel)) continue
    const { properties } = payloadOf(channel, key)
    expect(properties.event, key).toMatchObject(one.name ? { const: one.name } : { not: expect.anything() })
    expect(properties.channel, key).toSatisfy((schema: Json) => 'const' in schema || 'pattern' in schema)
  }
  for (const { channel, key, message: one, where } of MESSAGES.filter(({ channel }) => channel.endsWith('Socket'))) {
    const variants = variantsOf(payloadOf(channel, key))
    for (const { properties } of variants) {
      const isEvent = ENVELOPED.has(channel) && one['x-channel'] !== undefined
      expect(properties.type, where).toMatchObject({ const: isEvent ? 'event' : one.name })
    }
  }
})

describe.each(entries)('%s', (type, { to, isPosted, summary }) => {
  it('[CON16a] is on every connection that shows it, on both transports', () => {
    for (const channel of Object.keys(TABLE) as Array<keyof typeof TABLE>) {
      for (const { channel: kind, event, view, silent } of [
        ...to,
        { channel: 'global', event: type } as (typeof to)[0],
      ]) {
        if (silent || !shows(channel, kind)) continue
        const key = `${kind === '*' ? 'everyone' : kind}.${isPosted ? 'posted' : event}`
        const one = message(channel, key)
        expect(one.name, key).toBe(isPosted ? undefined : event)
        expect([one['x-domain-event']].flat(), key).toContain(type)
        expect([one['x-stored'], one['x-view']], key).toEqual([true, view])
        expect(one.summary, key).toContain(isPosted ? "A client's own event" : summary)
        expect(one['x-channel'], key).toMatch(addressOf(kind))
      }
    }
  })
})

it('[CON16b] has the output of an agent on its own stream, with control events and nothing else', () => {
  const control = Object.values(CONTROL).map((event) => `control.${event}`)
  expect(Object.keys(channels.agentStream?.messages ?? {})).toEqual([...control, 'agent.output_batch', 'agent.output'])
})

it('[CON16b] has the control events on every connection, and the snapshots of what it shows', () => {
  for (const channel of Object.keys(TABLE) as Array<keyof typeof TABLE>) {
    for (const event of Object.values(CONTROL)) expect(message(channel, `control.${event}`)['x-stored']).toBe(false)
    for (const [kind, event] of Object.entries(SNAPSHOTS)) {
      const has = `snapshot.${event}` in (channels[channel]?.messages ?? {})
      expect(has, `${channel} ${event}`).toBe(shows(channel, kind))
    }
  }
})

it('[CON16c] has nothing but what the catalogue, the control events, the snapshots and the sockets have', () => {
  const wires = new Set(
    entries.flatMap(([type, { to, isPosted }]) => [
      `global.${isPosted ? 'posted' : type}`,
      ...to.map(({ channel, event }) => `${channel === '*' ? 'everyone' : channel}.${isPosted ? 'posted' : event}`),
    ]),
  )
  const others = [
    ...Object.values(CONTROL).map((event) => `control.${event}`),
    ...Object.values(SNAPSHOTS).map((event) => `snapshot.${event}`),
    ...['agent.agent.heartbeat', 'global.agent.heartbeat'],
    ...['connected', 'ack', 'subscribed', 'unsubscribed', 'pong', 'error'].map((type) => `control.${type}`),
    ...['get_state', 'ping', 'pong', ...Object.keys(boardCommands)].map((type) => `client.${type}`),
    ...Object.keys(channelMessages).map((type) => `client.${type}`),
  ]
  const known = new Set([...wires, ...others])
  expect(MESSAGES.filter(({ key }) => !known.has(key)).map(({ where }) => where)).toEqual([])
})

it('[CON16d] has a key, a title, a summary, a type and an example for each message; on streams the fields of the frame', () => {
  for (const { channel, key, message: one, where } of MESSAGES) {
    const [kind = '', name] = [key.slice(0, key.indexOf('.')), key.slice(key.indexOf('.') + 1)]
    expect(one.name ?? 'posted', where).toBe(name)
    expect(one.title, where).toMatch(/^[A-Z]/)
    expect(one.summary, where).toMatch(/^[A-Z].*\.$/)
    expect(one.contentType, where).toBe('application/json')
    expect(one.examples.length, where).toBeGreaterThan(0)
    expect(one.headers !== undefined, where).toBe(isStream(channel))
    if (!one.headers) continue
    const { properties } = resolve(document, String(one.headers.$ref)) as { properties: Json }
    const isControl = kind === 'control'
    expect('retry' in properties, where).toBe(isControl && ['hello', 'draining', 'overloaded'].includes(name ?? ''))
    expect('id' in properties, where).toBe(!isControl || ['hello', 'heartbeat'].includes(name ?? ''))
    expect(properties.event, where).toMatchObject(one.name ? { const: name } : { not: expect.anything() })
  }
})

it('[CON17a] sends what the server says and receives what clients say, each with its messages and answers', () => {
  for (const [name, { messages }] of CHANNELS) {
    const own = Object.values(document.operations).filter(({ channel }) => channel.$ref === `#/channels/${name}`)
    const keysOf = (refs: ReadonlyArray<{ $ref: string }> = []) => refs.map(({ $ref }) => $ref.split('/').at(-1) ?? '')
    const sends = own.filter(({ action }) => action === 'send')
    const receives = own.filter(({ action }) => action === 'receive')
    expect(sends.length, name).toBe(1)
    const said = Object.keys(messages).filter((key) => !key.startsWith('client.'))
    expect(keysOf(sends[0]?.messages)).toEqual(said)
    expect(receives.flatMap((operation) => keysOf(operation.messages))).toEqual(
      Object.keys(messages).filter((key) => key.startsWith('client.')),
    )
    for (const { messages: heard, reply } of receives) {
      const [command = ''] = keysOf(heard)
      expect(reply === undefined, command).toBe(command === 'client.pong')
      for (const answer of keysOf(reply?.messages)) expect(said, command).toContain(answer)
    }
  }
  expect(Object.keys(document.operations)).toEqual(
    expect.arrayContaining(['sendBoardStream', 'receiveBoardSocketMoveCard']),
  )
})

it('[CON17b] has the query parameters of a connection in its bindings, as OpenAPI has them', () => {
  const described = operations(openApi('3.2'))
  const seen: Record<string, readonly string[]> = {}
  for (const [name, { address, bindings }] of CHANNELS) {
    const send = Object.values(document.operations).find(
      ({ action, channel }) => action === 'send' && channel.$ref === `#/channels/${name}`,
    )
    const { properties } = (isStream(name) ? send?.bindings?.http : bindings?.ws)?.query ?? { properties: {} }
    const { parameters = [] } = described.find(({ path }) => path === address) ?? {}
    for (const [parameter, { description: _, examples: __, ...schema }] of Object.entries(properties)) {
      expect(schema, `${name} ${parameter}`).toEqual(parameters.find((one) => one.name === parameter)?.schema)
    }
    seen[name] = Object.keys(properties)
  }
  const ofAll = ['types', 'limit', 'timeout', 'lastEventId', 'last_event_id', 'since']
  const ofBoard = ['boardId', 'projectId', 'view', ...ofAll]
  expect(seen).toEqual({
    boardStream: ofBoard,
    dashboardStream: ofAll,
    channelStream: ['channels', 'names', ...ofAll],
    agentStream: ofAll,
    boardSocket: ofBoard,
    dashboardSocket: ofAll,
    channelSocket: ['channels', 'global', 'more', 'agent_id', 'session_id', ...ofAll],
  })
})

it('[CON17c] lists where a connection looks for a credential, on every operation', () => {
  const schemes = ['bearer', 'cookie', 'ticket', 'token']
  expect(Object.keys(document.components.securitySchemes)).toEqual(schemes)
  const expected = schemes.map((name) => ({ $ref: `#/components/securitySchemes/${name}` }))
  for (const { security } of Object.values(document.operations)) expect(security).toEqual(expected)
})

it('[CON17d] describes the close codes and limits of sockets, and the ends of streams', () => {
  for (const [name, { description }] of CHANNELS) {
    const parts = isStream(name)
      ? ['Last-Event-ID', '`limit`', '`draining`', '`auth_expired`']
      : [...Object.values(CLOSE).map(String), '1009', '64 KiB', 'At most 10', 'bursts of 20', '200 refused', '426']
    for (const part of parts) expect(description, name).toContain(part)
    if (ENVELOPED.has(name)) expect(description, name).toContain('100 channels')
  }
})

describe('a server', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ jwtSecrets: ['a secret that is longer than 32 bytes, of this test'] })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('[CON3b] serves these bytes to everyone, with an ETag, to HEAD too', async () => {
    const url = `${server.url}/asyncapi.json`
    const response = await fetch(url)
    expect([response.status, response.headers.get('Content-Type')]).toEqual([200, 'application/json'])
    expect(await response.text()).toBe(renderAsyncApi())
    const etag = response.headers.get('ETag') ?? ''
    expect(etag).toMatch(/^"[\w-]{22}(-gzip)?"$/)
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('ETag'), await head.text()]).toEqual([200, etag, ''])
    const again = await fetch(url, { headers: { 'If-None-Match': etag } })
    expect([again.status, await again.text()]).toEqual([304, ''])
  })
})

/** Keywords with the same meaning in draft-07 and in 2020-12, as long as `$ref` stands alone. */
const IN_BOTH_DIALECTS = new Set(
  `$ref type const enum properties required additionalProperties propertyNames items minItems maxItems pattern format
   minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum not anyOf oneOf allOf`.split(/\s+/),
)

function keywordsOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(keywordsOf)
  if (typeof schema !== 'object' || schema === null) return []
  const isAlone = !('$ref' in schema) || Object.keys(schema).length === 1
  return [
    ...(isAlone ? Object.keys(schema) : ['a sibling of $ref']),
    ...Object.entries(schema).flatMap(([keyword, inner]) =>
      keyword === 'properties'
        ? Object.values(inner as object).flatMap(keywordsOf)
        : isValue(keyword)
          ? []
          : keywordsOf(inner),
    ),
  ]
}

const isValue = (keyword: string) => ['const', 'enum', 'required'].includes(keyword)

/** The alternatives of a payload that is an object. */
function variantsOf(schema: { properties: Json; anyOf?: ReadonlyArray<{ properties: Json }> }) {
  return schema.anyOf ?? [schema]
}

function addressOf(kind: string): RegExp {
  if (kind === '*' || kind === 'global' || kind === 'dashboard') return new RegExp(`^${kind === '*' ? '\\*' : kind}$`)
  return new RegExp(`^${channelName(kind as ChannelKind, '')}\\{([a-z]+Id|topic)\\}$`)
}
