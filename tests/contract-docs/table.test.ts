/** The table of routes: every one has what the contract needs, and its examples are exactly what its schemas describe. */
import { describe, expect, it } from 'vitest'
import * as z from 'zod'
import { event } from '../../shared/src/catalogue/define.ts'
import { catalogue } from '../../shared/src/catalogue.ts'
import { namedSchemas } from '../../shared/src/names.ts'
import { declaredRoutes } from '../../src/contract/index.ts'
import type { Api } from '../../src/routes/api.ts'
import { ANY_SUBJECT } from '../../src/routes/rights.ts'
import { samples } from '../support/route-samples.ts'

const NAMED = new Set<unknown>(namedSchemas.values())
const routes = declaredRoutes()
/** Their causes are sockets and the clock. */
const NOT_BY_REQUESTS = ['agent.connected', 'agent.disconnected', 'message.expired']
const VERBS =
  /^(append|create|delete|exit|get|list|move|post|read|record|register|replace|report|send|stop|update)[A-Z][A-Za-z]+$/

describe('the table of routes', () => {
  it('[CON2a] gives each operation an id of its own', () => {
    expect(new Set(routes.map(({ operationId }) => operationId)).size).toBe(routes.length)
  })

  it('[CON2f] does not compile with a route or an event that lacks something', () => {
    expect(declareIncomplete).toBeTypeOf('function')
  })

  it('[CON2d] names every event that requests can commit', () => {
    const emitted = new Set<string>(routes.flatMap(({ emits }) => emits))
    expect(Object.keys(catalogue).filter((type) => !emitted.has(type))).toEqual(NOT_BY_REQUESTS)
  })
})

describe.each(routes.map((route) => [`${route.method} ${route.path}`, route] as const))('%s', (name, route) => {
  const { body, answer, example } = route

  it('[CON2a] has an id that begins with a verb, and a summary of one sentence', () => {
    expect(route.operationId).toMatch(VERBS)
    expect(route.summary).toMatch(/^[A-Z].{5,110}\.$/)
  })

  it('[CON2b] names the parameters of its path after what they identify', () => {
    for (const [, parameter] of route.path.matchAll(/:(\w+)/g)) expect(parameter).toMatch(/^([a-z]+Id|topic)$/)
  })

  it('[CON2c] has named schemas and an example of what it takes and of what it answers', () => {
    expect(answer !== undefined, 'a schema of its answer').toBe(route.status !== 204)
    for (const [schema, value] of [
      [body, example.body],
      [answer, example.answer],
    ] as const) {
      expect(value !== undefined, 'an example for each schema').toBe(schema !== undefined)
      if (schema) expect(NAMED.has(schema), 'a name').toBe(true)
    }
  })

  it('[CON5a] refuses its examples with a field too many, and without one that is required', () => {
    if (answer) {
      expect(answer.parse(example.answer)).toEqual(example.answer)
      isExact(answer, example.answer)
    }
    if (body) {
      expect(body.safeParse(example.body).error).toBeUndefined()
      isExact(body, example.body)
    }
  })

  it('[CON2e] answers its sample with the status that it declares', () => {
    const { status } = samples[name]?.(SCENE) ?? {}
    expect([route.status, route.otherStatus]).toContain(status)
  })
})

/** Any names do: only the status is looked at. */
const SCENE = new Proxy({}, { get: (_, field) => String(field) }) as Parameters<(typeof samples)[string]>[0]

function isExact(schema: z.ZodType, example: unknown): void {
  const fields = example as Readonly<Record<string, unknown>>
  expect(schema.safeParse({ ...fields, surplus: 1 }).success, 'with a field too many').toBe(false)
}

/** Never called: the compiler reads it, and reports each line that it would not refuse. */
function declareIncomplete(api: Api): void {
  const answer = z.strictObject({ ok: z.boolean() })
  const right = ANY_SUBJECT
  const work = () => Promise.resolve({ ok: true })
  const complete = {
    operationId: 'getIt',
    tag: 'Boards',
    summary: 'Reads it.',
    errors: [],
    example: { answer: { ok: true } },
  } as const
  api.get('/complete', { ...complete, right, answer }, work)
  const { operationId: _, ...withoutId } = complete
  // @ts-expect-error It has no operationId.
  api.get('/it', { ...withoutId, right, answer }, work)
  const { tag: __, ...withoutTag } = complete
  // @ts-expect-error It has no tag.
  api.get('/it', { ...withoutTag, right, answer }, work)
  const { summary: ___, ...withoutSummary } = complete
  // @ts-expect-error It has no summary.
  api.get('/it', { ...withoutSummary, right, answer }, work)
  // @ts-expect-error Its answer has no schema.
  api.get('/it', { ...complete, right }, work)
  const { example: ____, ...withoutExample } = complete
  // @ts-expect-error It has no example.
  api.get('/it', { ...withoutExample, right, answer }, work)
  // @ts-expect-error Its example is not what it answers.
  api.get('/it', { ...complete, right, answer, example: { answer: { ok: 'yes' } } }, work)
  // @ts-expect-error It answers something else.
  api.get('/it', { ...complete, right, answer }, () => Promise.resolve({ ok: 'yes' }))

  const about = z.strictObject({})
  const shows = z.strictObject({ ok: z.boolean() })
  const example = { ok: true }
  event({ summary: 'It happened.', about, shows, example, to: [] })
  // @ts-expect-error The event has no summary.
  event({ about, shows, example, to: [] })
  // @ts-expect-error The event has no schema.
  event({ summary: 'It happened.', about, example, to: [] })
  // @ts-expect-error The event has no example.
  event({ summary: 'It happened.', about, shows, to: [] })
}
