/** The OpenAPI documents: valid, complete in themselves, exact, and the same as what a server does. */
import type { ValidateFunction } from 'ajv'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OPENAPI_VERSIONS, renderOpenApi } from '../../src/contract/index.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import {
  compiler,
  type Media,
  newAjv,
  openApi,
  operations,
  references,
  resolve,
  responseOf,
  specification,
} from './documents.ts'
import { isOpenField, withLess, withSurplus } from './mutants.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server[Symbol.asyncDispose]())

describe.each(OPENAPI_VERSIONS)('OpenAPI %s', (version) => {
  const document = openApi(version)
  const all = operations(document)
  const compile = compiler(document)

  it('[CON4a] is valid by the official schema', () => {
    const valid = specification(version)
    expect(valid(document), JSON.stringify(valid.errors?.slice(0, 3))).toBe(true)
  })

  it('[CON4a] has schemas that are valid by their dialect', () => {
    const ajv = newAjv()
    for (const [name, schema] of Object.entries(document.components.schemas ?? {})) {
      expect(ajv.validateSchema(schema), name).toBe(true)
    }
  })

  it('[CON4b] has references that lead somewhere in it, and no component that nothing refers to', () => {
    const found = new Set(references(document))
    for (const reference of found) expect(resolve(document, reference), reference).toBeDefined()
    const { securitySchemes = {}, ...others } = document.components
    const unused = Object.entries(others).flatMap(([kind, components]) =>
      Object.keys(components).filter((name) => !found.has(`#/components/${kind}/${name}`)),
    )
    expect(unused).toEqual([])
    const schemes = new Set(all.flatMap(({ security }) => security.flatMap((one) => Object.keys(one))))
    expect(schemes).toEqual(new Set(Object.keys(securitySchemes)))
  })

  it('[CON9a] has operation ids, tags and summaries that are unique, known and one line', () => {
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length)
    const tags = document.tags.filter(({ description }) => description !== '').map(({ name }) => name)
    expect(new Set(all.flatMap((operation) => operation.tags))).toEqual(new Set(tags))
    for (const { operationId, summary } of all) {
      expect(operationId).toMatch(/^[a-z]+[A-Z]\w+$/)
      expect(summary).toMatch(/^.{5,110}\.$/)
    }
  })

  it('[CON7a] names its schemas in the words of the catalogue', () => {
    const names = Object.keys(document.components.schemas ?? {})
    expect(names.filter((name) => !/^([A-Z][a-z0-9]*)+$/.test(name))).toEqual([])
    expect(names).toEqual(expect.arrayContaining(['Board', 'Card', 'Attempt', 'Problem', 'Envelope', 'NewCard']))
    expect(names).toEqual(expect.arrayContaining(['CardEdit', 'CardMoved', 'GlobalCardMoved', 'AttemptStatus']))
  })

  it('[CON11a] lists where an operation looks for a credential', () => {
    for (const { path, security } of all) {
      const schemes = security.map((one) => Object.keys(one)[0] ?? '')
      const isOpen = /^\/(health|schemas|docs)|^\/(open|async)api\.json$/.test(path)
      const isStream = /sse$|^\/events|\/ws/.test(path)
      const expected = ['bearer', 'cookie', ...(isStream ? ['ticket', 'token'] : []), '']
      expect(schemes, path).toEqual(isOpen ? [] : expected)
    }
  })

  it('[CON9b] has an example for each parameter that is valid', () => {
    for (const { operationId, parameters = [] } of all) {
      for (const { name, schema, example, in: place } of parameters) {
        expect(place === 'path' && name === 'id', `${operationId} ${name}`).toBe(false)
        expect(compile(schema)(example), `${operationId} ${name}`).toBe(true)
      }
    }
  })

  it('[CON10a] has an example of each code for every status that an operation answers, and no default', () => {
    for (const operation of all) {
      for (const status of Object.keys(operation.responses).map(Number)) {
        if (status < 400) continue
        const media = responseOf(document, operation, status)?.content?.['application/problem+json']
        const { code: codes } = (media?.schema?.properties ?? {}) as { code?: { enum: string[] } }
        expect(Object.keys(media?.examples ?? {}), `${operation.operationId} ${status}`).toEqual(codes?.enum)
      }
      expect(operation.responses).not.toHaveProperty('default')
    }
  })

  it('[CON6a] [CON5b] has examples that are valid, and not with a field too many', () => {
    const faults: string[] = []
    const checked = new Set<string>()
    for (const { where, media } of mediaOf()) {
      const schema = media.schema ?? media.itemSchema ?? {}
      const valid = compile(schema)
      for (const [name, example] of Object.entries(media.examples)) {
        const value = version === '3.1' ? example.value : example.dataValue
        for (const item of media.itemSchema ? (value as unknown[]) : [value]) {
          // Errors of many operations are the same.
          const pair = JSON.stringify([schema, item])
          if (checked.has(pair)) continue
          checked.add(pair)
          if (!valid(item)) faults.push(`${where} ${name}: ${JSON.stringify(valid.errors?.[0])}`)
          if (/^(getStats|getOpenApi|getAsyncApi|getEventSchema) 200/.test(where)) continue
          const isOpen = (path: string) => isOpenField(path) || (where === 'postTopicEvent body' && path === '.data')
          faults.push(...survivors(valid, withSurplus(item, isOpen)).map((what) => `${where} ${name}: ${what}`))
        }
      }
    }
    expect(faults).toEqual([])
  })

  it('[CON5b] has answers without optional fields, but for those that are documented', () => {
    const faults: string[] = []
    for (const { where, media } of mediaOf()) {
      if (!media.schema || where.endsWith('body') || /get(OpenApi|AsyncApi|EventSchema) /.test(where)) continue
      if (/^(open|getStats|getMetrics )/.test(where) || /[45]\d\d$/.test(where)) continue
      const valid = compile(media.schema)
      for (const { value, dataValue } of Object.values(media.examples)) {
        faults.push(...survivors(valid, withLess(value ?? dataValue)).map((what) => `${where}: ${what}`))
      }
    }
    expect(faults).toEqual([])
  })

  /** Every body that is sent or answered. */
  function mediaOf(): Array<{ where: string; media: Media }> {
    return all.flatMap((operation) => [
      ...Object.values(operation.requestBody?.content ?? {}).map((media) => ({
        where: `${operation.operationId} body`,
        media,
      })),
      ...Object.keys(operation.responses).flatMap((status) =>
        Object.values(responseOf(document, operation, Number(status))?.content ?? {}).map((media) => ({
          where: `${operation.operationId} ${status}`,
          media,
        })),
      ),
    ])
  }

  it('[CON3a] is served with these bytes to everyone, with an ETag, to HEAD too', async () => {
    const url = `${server.url}/openapi.json?version=${version}`
    const response = await fetch(url)
    expect(response.status).toBe(200)
    expect(response.headers.get('Content-Type')).toBe('application/json')
    expect(await response.text()).toBe(renderOpenApi(version))
    const etag = response.headers.get('ETag') ?? ''
    expect(etag).toMatch(/^"[\w-]{22}(-gzip)?"$/)
    const head = await fetch(url, { method: 'HEAD' })
    expect([head.status, head.headers.get('ETag'), await head.text()]).toEqual([200, etag, ''])
    const again = await fetch(url, { headers: { 'If-None-Match': etag } })
    expect([again.status, await again.text()]).toEqual([304, ''])
  })
})

it('[CON13a] is 3.2 unless asked for 3.1, and refuses other versions by name', async () => {
  expect(await (await fetch(`${server.url}/openapi.json`)).text()).toBe(renderOpenApi('3.2'))
  expect(openApi('3.2').openapi).toBe('3.2.0')
  expect(openApi('3.1').openapi).toBe('3.1.1')
  const refused = await fetch(`${server.url}/openapi.json?version=3.0`)
  const { code, detail } = (await refused.json()) as { code: string; detail: string }
  expect([refused.status, code]).toEqual([400, 'bad_request'])
  expect(detail).toMatch(/3\.2.*3\.1/)
})

function survivors(valid: ValidateFunction, mutants: ReturnType<typeof withSurplus>): string[] {
  return mutants.filter(({ value }) => valid(value)).map(({ what }) => `is valid ${what}`)
}
