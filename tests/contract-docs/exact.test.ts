/** Examples are valid, and nothing that differs from one by a field is: bodies, frames of streams, messages of sockets. */
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { namedSchemas } from '../../shared/src/names.ts'
import { declaredRoutes } from '../../src/contract/index.ts'
import { boardCommands, cardOfCommand } from '../../src/ws/board-messages.ts'
import { channelMessages } from '../../src/ws/channel-messages.ts'
import { asyncApi, compiler, type Json, openApi, resolve } from './documents.ts'
import { isOpenField, type Mutant, withLess, withSurplus } from './mutants.ts'

const document = asyncApi()
const compile = compiler(document, true)
const MESSAGES = Object.entries(document.channels).flatMap(([channel, { messages }]) =>
  Object.entries(messages).map(([key, message]) => ({ channel, key, message, where: `${channel} ${key}` })),
)

it('[CON6b] has examples that are valid, with their headers', () => {
  for (const { where, message: one } of MESSAGES) {
    for (const { payload, headers } of one.examples) {
      const valid = compile(one.payload)
      expect(valid(payload), `${where} ${JSON.stringify(valid.errors?.[0])}`).toBe(true)
      if (one.headers) expect(compile(one.headers)(headers), where).toBe(true)
    }
  }
})

it('[CON6b] has examples of events that show where they are', () => {
  for (const channel of ['boardStream', 'dashboardSocket', 'channelStream', 'channelSocket']) {
    const [example] = document.channels[channel]?.messages['everyone.message.new']?.examples ?? []
    expect(JSON.stringify(example?.payload), channel).toContain('"to_agent":null,"topic":null')
  }
})

it('[CON5c] refuses each example with a field too many, and without one that is always there', () => {
  const faults: string[] = []
  for (const { where, key, message: one } of MESSAGES) {
    const valid = compile(one.payload)
    for (const { payload } of one.examples) {
      faults.push(
        ...mutantsOf(key, payload)
          .filter(({ value }) => valid(value))
          .map(({ what }) => `${where} is valid ${what}`),
      )
    }
  }
  expect(faults).toEqual([])
})

/** Frames as clients of the version 3.1 get them: with parsed data. */
describe('a frame of a stream', () => {
  const compileFrame = compiler(openApi('3.1'))
  const ofBoards = compileFrame({ $ref: '#/components/schemas/StreamFrame' })
  const ofAgent = compileFrame({ $ref: '#/components/schemas/AgentStreamFrame' })
  const streams = MESSAGES.filter(({ message }) => message.headers)

  it('[CON12b] is valid by OpenAPI as by AsyncAPI, and not with a field too many or too few', () => {
    const faults: string[] = []
    for (const { channel, where, key, message: one } of streams) {
      const valid = channel === 'agentStream' ? ofAgent : ofBoards
      const { required } = resolve(document, String(one.headers?.$ref)) as { required: readonly string[] }
      for (const { headers = {}, payload } of one.examples) {
        const frame = { ...headers, data: payload }
        if (!valid(frame)) faults.push(`${where}: ${JSON.stringify(valid.errors?.[0])}`)
        const mutants = [
          ...withSurplus(frame, (path) => path !== ''),
          ...withLess(
            frame,
            (field) => field !== 'data' && !required.includes(field),
            (path) => path !== '',
          ),
          ...mutantsOf(key, payload).map(({ what, value }) => ({ what, value: { ...headers, data: value } })),
        ]
        faults.push(...mutants.filter(({ value }) => valid(value)).map(({ what }) => `${where} is valid ${what}`))
      }
    }
    expect(faults).toEqual([])
  })
})

describe('a body', () => {
  const { paths } = openApi('3.2')
  const compileBody = compiler(openApi('3.2'))

  it.each(
    declaredRoutes()
      .filter(({ body }) => body)
      .map((route) => [route.operationId, route] as const),
  )('[CON5d] of %s is taken if the document says so, with each field too many and too few', (_, route) => {
    const path = `/api/v1${route.path.replaceAll(/:(\w+)/g, '{$1}')}`
    const schema = paths[path]?.[route.method]?.requestBody?.content['application/json']?.schema
    const valid = compileBody(schema ?? { not: {} })
    const isTaken = (value: unknown) => route.body?.safeParse(value).success
    const { body } = route.example
    expect([valid(body), isTaken(body)]).toEqual([true, true])
    const mutants = [...withSurplus(body), ...withLess(body, () => false)]
    for (const { what, value } of mutants) expect(valid(value), what).toBe(isTaken(value))
    expect(withSurplus(body, (at) => at !== '').some(({ value }) => valid(value))).toBe(false)
  })
})

it('[CON5e] what clients send has bounds: each text, number and list', () => {
  const { components } = openApi('3.2')
  const inputs = declaredRoutes().flatMap(({ body }) => (body ? [nameOf(body)] : []))
  const unbounded = inputs.flatMap((name) => unboundedIn(components.schemas?.[name] ?? {}, name))
  // As many as a body has room for.
  expect(unbounded).toEqual(['NewTodos.items', 'NewGitStatus.files'])

  function nameOf(body: z.ZodType): string {
    return [...namedSchemas].find(([, schema]) => schema === body)?.[0] ?? ''
  }
})

/** Places in a schema, without those of other components, that may be of any length or size. */
function unboundedIn(schema: Json, path: string): string[] {
  const { type, properties = {}, anyOf = [], oneOf = [], items } = schema as Alternatives
  const has = (...keywords: string[]) => keywords.some((keyword) => keyword in schema)
  const isBounded =
    type === 'string'
      ? has('maxLength', 'pattern', 'enum', 'const', 'format')
      : type === 'integer' || type === 'number'
        ? has('minimum', 'exclusiveMinimum')
        : type !== 'array' || has('maxItems')
  return [
    ...(isBounded ? [] : [path]),
    ...Object.entries(properties).flatMap(([field, inner]) => unboundedIn(inner, `${path}.${field}`)),
    ...[...anyOf, ...oneOf].flatMap((inner) => unboundedIn(inner, path)),
    ...(items ? unboundedIn(items, `${path}[]`) : []),
  ]
}

interface Alternatives {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Json>>
  readonly anyOf?: readonly Json[]
  readonly oneOf?: readonly Json[]
  readonly items?: Json
}

describe('a message of a client', () => {
  const messages = MESSAGES.filter(({ key }) => key.startsWith('client.'))
  const parsers: Readonly<Record<string, z.ZodType>> = {
    ...Object.fromEntries(
      Object.entries(boardCommands).map(([type, payload]) => [`boardSocket client.${type}`, ofBoard(type, payload)]),
    ),
    ...Object.fromEntries(
      Object.entries(channelMessages).map(([type, schema]) => [`channelSocket client.${type}`, schema]),
    ),
  }

  it.each(messages.filter(({ where }) => parsers[where]))(
    '[CON1b] $where is taken if the document says so, with each field taken away',
    ({ where, message: one }) => {
      const valid = compile(one.payload)
      for (const { payload } of one.examples) {
        for (const { what, value } of [
          { what: 'as it is', value: payload },
          ...withLess(payload, (field, path) => path === '' && (field === 'type' || field === 'id')),
        ]) {
          expect(parsers[where]?.safeParse(value).success, what).toBe(valid(value))
        }
      }
    },
  )

  it('[CON1b] has a parser, but for those that have no fields', () => {
    const others = messages.map(({ where }) => where).filter((where) => !parsers[where])
    expect(others).toEqual(['get_state', 'ping', 'pong'].map((type) => `boardSocket client.${type}`))
  })

  /** The card of a command is looked up before its other fields are parsed. */
  function ofBoard(type: string, payload: z.ZodType): z.ZodType {
    if (type === 'create_card') return z.object({ payload })
    const isTaken = (value: unknown) => {
      const { cardId, ...rest } = value as { cardId?: unknown }
      return cardOfCommand.safeParse({ cardId }).success && payload.safeParse(rest).success
    }
    return z.object({ payload: z.unknown().refine((value) => isTaken(value ?? {})) })
  }
})

function mutantsOf(key: string, payload: unknown): Mutant[] {
  const isOpen = (path: string) => isOpenField(path) || isFreeJson(key, path)
  const isOptional = (field: string, path: string) =>
    path.endsWith('.changes') || OPTIONAL.has(field) || isOptionalIn(key, field)
  return [...withSurplus(payload, isOpen), ...withLess(payload, isOptional, isOpen)]
}

/** Fields of payloads that may be missing; `id` is where a listener may resume. */
const OPTIONAL = new Set(
  'stream title worktreePath error changes progress author attemptId cardId files summary oldPath id eventId replayed more boardId ts'.split(
    ' ',
  ),
)

/** What clients may leave out; what is known of a session or shell without an agent; whom an answer is about. */
function isOptionalIn(key: string, field: string): boolean {
  if (key.startsWith('client.')) return !['type', 'channel', 'event', 'cardId', 'toColumnId', 'title'].includes(field)
  if (/^global\.(session|shell)\./.test(key)) return field === 'agentId'
  return key === 'control.ack' && field === 'channel'
}

/** What clients post is theirs. */
function isFreeJson(key: string, path: string): boolean {
  if (key.endsWith('.posted') || key === 'client.publish') return /(^|\.)data$/.test(path)
  return false
}
