/** A real server against the document: every operation. Events are in tests/http/catalogue-events.test.ts. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { RIGHTS_OFF } from '../../src/auth/authenticator.ts'
import { declaredRoutes } from '../../src/contract/index.ts'
import { type AppDependencies, createApp } from '../../src/server/app.ts'
import { makeScene, type Scene } from '../support/rights-scene.ts'
import { type Sample, samples } from '../support/route-samples.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { bearer, SECRET, tokenFor } from '../support/tokens.ts'
import {
  compiler,
  openApi as documentOf,
  type Json,
  type Operation,
  operations,
  resolve,
  responseOf,
} from './documents.ts'

const document = documentOf('3.2')
const compile = compiler(document)
const all = operations(document)

it('[CON8a] every address that the server answers is documented, and nothing else', () => {
  const dependencies = {
    store: {},
    guard: { allowsOtherOrigins: false },
    drain: {},
    authenticator: RIGHTS_OFF,
    socketIo: null,
    webApp: null,
    docs: { basePath: '', hasRights: false },
    stream: () => () => undefined,
  }
  const app = createApp(dependencies as unknown as AppDependencies)
  const answered = app.routes
    .filter(({ path }) => !path.endsWith('*'))
    .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
  expect(all.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([...new Set(answered)].sort())
})

/** The path with the examples of its parameters. */
function exampleOf({ path, parameters = [] }: Operation): string {
  return parameters.reduce((filled, { name, example }) => filled.replace(`{${name}}`, String(example)), path)
}

/** Headers that an answer lacks, or that are not as documented. */
function missingHeaders(operation: Operation, status: number, headers: Headers): string[] {
  const documented = Object.entries(responseOf(document, operation, status)?.headers ?? {})
  return documented.flatMap(([name, reference]) => {
    const { required, schema } = resolve(document, (reference as { $ref: string }).$ref) as HeaderObject
    const value = headers.get(name)
    if (value === null) return required ? [`no ${name}`] : []
    return compile(schema)(schema.type === 'integer' ? Number(value) : value) ? [] : [`${name}: ${value}`]
  })
}

interface HeaderObject {
  readonly required?: boolean
  readonly schema: Json
}

describe('on a server with rights', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer({ jwtSecrets: [SECRET] })
  })
  afterAll(() => server[Symbol.asyncDispose]())

  /** One for all that change nothing. */
  let scene: Promise<Scene> | undefined
  function readScene(): Promise<Scene> {
    scene ??= makeScene(server)
    return scene
  }

  it.each(declaredRoutes().map(({ method, path, operationId }) => [operationId, `${method} ${path}`, path] as const))(
    '[CON20a] [CON9c] %s answers and refuses as documented',
    async (operationId, name, path) => {
      const operation = all.find((one) => one.operationId === operationId) as Operation
      const scene = operation.method === 'get' ? await readScene() : await makeScene(server)
      const sample = (samples[name] as (scene: Scene) => Sample)(scene)
      const token = bearer(await tokenFor(['*']))
      const ask = (address: string, body: object | undefined, headers: Record<string, string>) =>
        server.call(operation.method.toUpperCase(), address, body, headers)
      const answers = [
        await ask(sample.path, sample.body, {}),
        await ask(sample.path, sample.body, bearer(await tokenFor([]))),
        ...(path.includes(':') ? [await ask(path.replaceAll(/:\w+/g, 'nothing-there'), sample.body, token)] : []),
        ...(sample.body ? [await ask(sample.path, { surplus: 1 }, token)] : []),
        await ask(sample.path, sample.body, token),
      ]
      for (const { status, body, headers } of answers) {
        const response = responseOf(document, operation, status)
        expect(response, `${status} is documented: ${JSON.stringify(body)}`).toBeDefined()
        expect(missingHeaders(operation, status, headers), `headers of ${status}`).toEqual([])
        const type = headers.get('Content-Type') ?? ''
        const media = response?.content?.[type]
        expect(media !== undefined, `${status} ${type}`).toBe(body !== undefined)
        if (!media?.schema) continue
        const valid = compile(media.schema)
        expect(valid(body), `${status}: ${JSON.stringify(valid.errors)} ${JSON.stringify(body)}`).toBe(true)
      }
      expect(answers.at(-1)?.status).toBe(sample.status)
    },
  )
})

describe('on a server without rights', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it.each(all.filter(({ operationId }) => operationId.startsWith('openStream') || operationId === 'openAgentStream'))(
    '[CON20a] [CON9c] $path opens a stream as documented',
    async (operation) => {
      const opened = await fetch(server.url + operation.path.replace('{agentId}', 'claude-1'), { method: 'HEAD' })
      const response = responseOf(document, operation, opened.status)
      expect(opened.headers.get('Content-Type')).toBe('text/event-stream; charset=utf-8')
      expect(Object.keys(response?.content ?? {})).toEqual(['text/event-stream'])
      expect(missingHeaders(operation, opened.status, opened.headers)).toEqual([])
    },
  )

  it.each(all.filter(({ tags }) => tags[0] === 'Sockets'))(
    '[CON20a] [CON9c] $path is upgraded as documented',
    async (operation) => {
      const websocket = new WebSocket(server.url.replace(/^http/, 'ws') + operation.path)
      const [{ statusCode = 0, headers }] = (await once(websocket, 'upgrade')) as [IncomingMessage]
      websocket.terminate()
      expect(missingHeaders(operation, statusCode, new Headers(headers as Record<string, string>))).toEqual([])
      expect(operation.responses).toHaveProperty(String(statusCode))
    },
  )

  it.each(all.filter(({ tags }) => tags[0] === 'Contract'))(
    '[CON20a] [CON9c] $path is not sent again as documented',
    async (operation) => {
      const address = server.url + exampleOf(operation)
      const { headers } = await fetch(address, { method: 'HEAD' })
      const again = await fetch(address, { headers: { 'If-None-Match': headers.get('ETag') ?? '' } })
      expect(again.status).toBe(304)
      expect(missingHeaders(operation, 200, headers)).toEqual([])
      expect(missingHeaders(operation, 304, again.headers)).toEqual([])
    },
  )

  it.each(all.filter(({ tags }) => ['Operations', 'Sockets'].includes(tags[0] ?? '')))(
    '[CON20a] $path answers as documented',
    async (operation) => {
      const answered = await fetch(server.url + operation.path)
      expect(missingHeaders(operation, answered.status, answered.headers)).toEqual([])
      const media = responseOf(document, operation, answered.status)?.content?.[
        answered.headers.get('Content-Type') ?? ''
      ]
      expect(media?.schema, String(answered.status)).toBeDefined()
      const text = await answered.text()
      if (operation.path !== '/metrics') expect(compile(media?.schema ?? {})(JSON.parse(text)), text).toBe(true)
    },
  )
})
