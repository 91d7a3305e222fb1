/** The AsyncAPI document: a pure function of the catalogue and of the routes. Each connection is a channel. */
import packageJson from '../../package.json' with { type: 'json' }
import { exampleCursor, exampleIds } from '../../shared/src/catalogue/examples.ts'
import { HEADER } from '../../shared/src/protocol.ts'
import type { DeclaredRoute } from '../routes/declared.ts'
import { eventMessage, type Message, socketMessage } from './async-messages.ts'
import { type Connection, connections } from './connections.ts'
import { Components, inlineSchema, type JsonSchema } from './json-schema.ts'
import { allSchemas } from './openapi.ts'
import { PATH_PARAMETERS } from './parameters.ts'
import { pascalCase } from './payloads.ts'
import { securitySchemes } from './security.ts'
import { sentEvents } from './sent-events.ts'
import type { SocketMessage } from './socket-messages.ts'

type Json = Readonly<Record<string, unknown>>

export const ASYNCAPI_VERSION = '3.0.0'

const DESCRIPTION = `The events of a self-hosted hub for boards that software agents work on, and how to listen to them: as
server-sent events over HTTP, or over WebSockets. Requests that change something are in \`/openapi.json\`.

A channel of this document is a connection. What Boardcast calls a channel (\`board:demo\`, \`agent:claude-1\`, \`global\`) is in
\`x-channel\` of each message: the same event shows on several of them, under the name and with the payload that is listed for
each. \`x-domain-event\` has the types of events that a message shows, \`x-stored\` whether it can be replayed, \`x-view\` the only
view of a board that has it.

No credential is needed while rights are off, as they are on loopback by default.`

/** Made anew at each call. */
export function asyncApiDocument(routes: readonly DeclaredRoute[]): Json {
  const all = connections(routes)
  const components = new Components(new Map([...allSchemas(), ...all.flatMap(schemasOf)]))
  const made = all.map((connection) => ({ connection, messages: messagesOf(connection, components) }))
  return {
    asyncapi: ASYNCAPI_VERSION,
    info: { title: 'Boardcast', version: packageJson.version, description: DESCRIPTION },
    defaultContentType: 'application/json',
    servers: {
      http: server('http', 'Server-sent events. The protocol is `https` where the server is behind TLS.'),
      ws: server('ws', 'WebSockets. The protocol is `wss` where the server is behind TLS.'),
    },
    channels: Object.fromEntries(
      made.map(({ connection, messages }) => [connection.name, channelObject(connection, messages)]),
    ),
    operations: Object.fromEntries(made.flatMap(({ connection, messages }) => operationsOf(connection, messages))),
    components: { schemas: components.used, securitySchemes: securitySchemes('httpApiKey') },
  }
}

interface Messages {
  readonly events: readonly Message[]
  readonly answers: readonly Message[]
  readonly commands: readonly Message[]
}

function messagesOf(connection: Connection, components: Components): Messages {
  const { protocol } = connection
  const messages = (kind: 'client' | 'control', all: readonly SocketMessage[] = []) =>
    all.map((message) =>
      socketMessage(components, message, { kind, component: componentName(connection, message, kind) }),
    )
  return {
    events: sentEvents(components, connection).map((sent) => eventMessage(components, sent, connection)),
    answers: messages('control', protocol?.answers),
    commands: messages('client', protocol?.commands),
  }
}

/** The schemas of messages that are no events, by the names of their components. */
function schemasOf(connection: Connection): Array<readonly [string, SocketMessage['schema']]> {
  const { commands = [], answers = [] } = connection.protocol ?? {}
  return [
    ...commands.map((message) => [componentName(connection, message, 'client'), message.schema] as const),
    ...answers.map((message) => [componentName(connection, message, 'control'), message.schema] as const),
  ] satisfies ReadonlyArray<readonly [string, SocketMessage['schema']]>
}

/** `BoardSocketCreateCard`, `ChannelSocketAck`. A ping of the client and its pong are messages with other names. */
function componentName({ name }: Connection, { type }: SocketMessage, kind: 'client' | 'control'): string {
  const isPongOfClient = kind === 'client' && type === 'pong'
  return pascalCase(name) + (isPongOfClient ? 'ClientPong' : pascalCase(type))
}

function channelObject(
  { address, title, summary, description, transport, query }: Connection,
  messages: Messages,
): Json {
  const { events, answers, commands } = messages
  return {
    address,
    title,
    summary,
    description,
    servers: [{ $ref: `#/servers/${transport}` }],
    messages: Object.fromEntries([...events, ...answers, ...commands].map(({ key, message }) => [key, message])),
    ...(address.includes('{agentId}') && {
      parameters: { agentId: { description: PATH_PARAMETERS.agentId?.description, examples: [exampleIds.agent] } },
    }),
    ...(transport === 'ws' && {
      bindings: { ws: { method: 'GET', query: queryObject(query), headers: HEADERS, bindingVersion: '0.1.0' } },
    }),
  }
}

function operationsOf(connection: Connection, { events, answers, commands }: Messages) {
  const { name, transport, summary, query, protocol } = connection
  const channel = { $ref: `#/channels/${name}` }
  const keys = new Set([...events, ...answers].map(({ key }) => key))
  const refTo = (key: string) => ({ $ref: `#/channels/${name}/messages/${key}` })
  const send = {
    action: 'send',
    channel,
    summary,
    description: 'What the server sends. Needs the right to subscribe to every channel that the connection follows.',
    messages: [...keys].map(refTo),
    security: SECURITY,
    ...(transport === 'http' && {
      bindings: { http: { method: 'GET', query: queryObject(query), bindingVersion: '0.3.0' } },
    }),
  }
  const receives = (protocol?.commands ?? []).map(({ type, summary, replies }, index) => [
    `receive${pascalCase(name)}${pascalCase(type)}`,
    {
      action: 'receive',
      channel,
      summary,
      messages: [refTo(commands[index]?.key ?? '')],
      security: SECURITY,
      ...(replies.length > 0 && {
        reply: { channel, messages: replies.map((reply) => refTo(replyKey(keys, reply))) },
      }),
    },
  ])
  return [[`send${pascalCase(name)}`, send], ...receives] as ReadonlyArray<readonly [string, Json]>
}

function replyKey(keys: ReadonlySet<string>, reply: string): string {
  const key = [`control.${reply}`, `snapshot.${reply}`].find((one) => keys.has(one))
  if (key === undefined) throw new Error(`no message is named ${reply}`)
  return key
}

function queryObject(query: Connection['query']): JsonSchema {
  return inlineSchema(query, 'input')
}

const HEADERS = {
  type: 'object',
  properties: {
    [HEADER.lastEventId]: {
      type: 'string',
      description: 'The id of the last event that was received, to resume after it.',
      examples: [exampleCursor],
    },
  },
}

function server(protocol: string, description: string): Json {
  return {
    host: '{host}',
    protocol,
    description,
    variables: {
      host: { default: 'localhost:3000', description: 'The host that this document was fetched from.' },
    },
  }
}

const SECURITY = Object.keys(securitySchemes('httpApiKey')).map((name) => ({
  $ref: `#/components/securitySchemes/${name}`,
}))
