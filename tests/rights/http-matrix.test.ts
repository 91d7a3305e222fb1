/**
 * Every route of the API with every kind of credential. The routes are those that the server declares: one without a sample
 * (tests/support/route-samples.ts) fails. The rules are stated in docs/security.md.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RIGHTS_OFF } from '../../src/auth/authenticator.ts'
import { declaredRoutes } from '../../src/contract/index.ts'
import { type AppDependencies, createApp } from '../../src/server/app.ts'
import { makeScene, type Scene } from '../support/rights-scene.ts'
import { type Sample, samples } from '../support/route-samples.ts'
import { type Answer, startTestServer, type TestServer } from '../support/server.ts'
import { bearer, SECRET, seconds, sign, tokenFor } from '../support/tokens.ts'

const routes = declaredRoutes().map(({ method, path }) => ({ method, path, name: `${method} ${path}` }))

let server: TestServer
/** Two scenes that only requests which are refused are about. */
let scene: Scene
let other: Scene
beforeAll(async () => {
  server = await startTestServer({ jwtSecrets: [SECRET] })
  scene = await makeScene(server)
  other = await makeScene(server)
})
afterAll(() => server[Symbol.asyncDispose]())

it('[RI1] every declared route has a sample here', () => {
  expect(routes.map(({ name }) => name).filter((name) => !samples[name])).toEqual([])
  expect(new Set(routes.map(({ name }) => name)).size).toBe(routes.length)
})

it('[RI1] every other route has a rule elsewhere, or is for administrators', () => {
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
  const declared = new Set(routes.map(({ path }) => `/api/v1${path}`))
  const others = new Set(app.routes.map(({ path }) => path).filter((path) => !declared.has(path)))
  // Streams and sockets: RS1 and the following. Operations: RI9. Without a route: RI10.
  expect([...others].sort()).toEqual([
    '/api/v1/*',
    '/api/v1/sse',
    '/api/v1/ws',
    '/api/v1/ws/dashboard',
    '/asyncapi.json',
    '/docs',
    '/docs/*',
    '/events/:agentId',
    '/health',
    '/health/live',
    '/health/ready',
    '/metrics',
    '/openapi.json',
    '/schemas/:kind/:file',
    '/socket.io/*',
    '/sse',
    '/stats',
    '/ws',
    '/ws/dashboard',
  ])
})

describe.each(routes.filter(({ name }) => samples[name]))('$name', ({ method, name }) => {
  const sampleOf = (scene: Scene) => samples[name]?.(scene) as Sample
  const isRead = method === 'get'

  async function ask({ path, body }: Sample, headers: Record<string, string> = {}): Promise<Answer<{ code?: string }>> {
    return server.call(method.toUpperCase(), path, body, headers)
  }
  const withRights = async (sample: Sample, subscribe: readonly string[], publish: readonly string[], more = {}) =>
    ask(sample, bearer(await tokenFor(subscribe, publish, more)))
  const outcome = ({ status, body }: Answer<{ code?: string }>) => [status, status >= 400 ? body?.code : undefined]

  const head = async () => (await server.call('GET', '/cursor', undefined, bearer(await tokenFor([])))).body.cursor

  it('[AU1] [AU6] is refused without a token, and with one that is not good; nothing is committed', async () => {
    const sample = sampleOf(scene)
    const before = await head()
    const claims = { boardcast: { subscribe: ['*'], publish: ['*'] } }
    expect(outcome(await ask(sample))).toEqual([401, 'unauthenticated'])
    expect(outcome(await ask(sample, bearer('garbage')))).toEqual([401, 'unauthenticated'])
    const foreign = await sign(claims, 'another secret, which is longer than 32 bytes')
    expect(outcome(await ask(sample, bearer(foreign)))).toEqual([401, 'unauthenticated'])
    const expired = await sign({ ...claims, exp: seconds(-60) })
    expect(outcome(await ask(sample, bearer(expired)))).toEqual([401, 'token_expired'])
    expect(await head()).toBe(before)
  })

  it('[RI1] [RI2] [RI3] shows and changes nothing for a token of another board, or of the other kind of right', async () => {
    const [sample, elsewhere] = [sampleOf(scene), sampleOf(other).rights.flat()]
    const others = sample.isList ? [`board:${other.board}`, `agent:${other.agent}`] : elsewhere
    // A dashboard has no board.
    const isOne = elsewhere.every((right) => !right.includes(other.name) && sample.rights.flat().includes(right))
    const refused = [await withRights(sample, ['board:nowhere'], ['board:nowhere'])]
    if (!isOne || sample.isList) refused.push(await withRights(sample, others, others))
    refused.push(await withRights(sample, isRead ? [] : ['*'], isRead ? ['*'] : []))
    for (const answer of refused) {
      if (sample.isList) expect(JSON.stringify(answer.body)).not.toContain(scene.name)
      else expect(outcome(answer)).toEqual([403, 'forbidden'])
    }
  })

  it('[RI1] [RI2] is allowed with any of its rights, and with all', async () => {
    const { rights } = sampleOf(await makeScene(server))
    for (let index = 0; index < rights.length; index++) {
      const sample = sampleOf(await makeScene(server))
      const own = sample.rights[index] ?? []
      const answer = await withRights(sample, isRead ? own : (sample.shows ?? []), isRead ? [] : own)
      expect([answer.status, answer.status >= 400 ? answer.body : undefined]).toEqual([sample.status, undefined])
      // Without one of several, it is not.
      if (own.length > 1) {
        const some = own.slice(1)
        const less = await withRights(sample, isRead ? some : ['*'], isRead ? [] : some)
        expect(outcome(less)).toEqual([403, 'forbidden'])
      }
    }
    const sample = sampleOf(await makeScene(server))
    expect((await withRights(sample, ['*'], ['*'])).status).toBe(sample.status)
  })

  it('[RI7] is allowed to a token that is bound to its agent and session, and refused to others if it speaks', async () => {
    const own = await makeScene(server)
    const sample = sampleOf(own)
    const stranger = { agent_id: 'stranger', session_id: 'strange' }
    const foreign = await withRights(sample, ['*'], ['*'], stranger)
    if (sample.speaksFor) {
      expect(outcome(foreign)).toEqual([403, 'forbidden'])
      const session = sample.path === '/sessions' ? `${own.name}-new` : own.session
      const bound = await withRights(sample, ['*'], ['*'], { agent_id: own.agent, session_id: session })
      expect(bound.status).toBe(sample.status)
    } else expect(foreign.status).toBe(sample.status)
  })
})
