/** A client cannot tell PostgreSQL from SQLite. Rules N17a and N17b of docs/nodes.md. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { declaredRoutes } from '../../src/contract/index.ts'
import { hasPostgres, PostgresServer } from '../support/postgres.ts'
import { chooseSeed, createRandom } from '../support/random.ts'
import { anyText, bodiesOf, bodyFor } from '../support/random-body.ts'
import { makeScene, type Scene } from '../support/rights-scene.ts'
import { samples } from '../support/route-samples.ts'
import { type Answer, startTestServer, type TestServer } from '../support/server.ts'
import { actingAs, startServerWithRights, tokenFor } from '../support/tokens.ts'

const nameOf = ({ method, path }: { method: string; path: string }) => `${method} ${path}`
/** Answers that depend on chance or on the time that they took. */
const NOT_ALIKE = new Set(['post /tickets', 'get /metrics/snapshot'])
const READS = declaredRoutes()
  .filter(({ method }) => method === 'get')
  .map(nameOf)
const WRITES = declaredRoutes().filter((route) => route.body && !NOT_ALIKE.has(nameOf(route)))

interface Step {
  readonly name: string
  readonly body: unknown
  readonly key: string | undefined
}

/** A key is a header, so it holds bytes. */
const key = fc.option(fc.stringMatching(/^[!-~\x80-\xff]{1,255}$/), { nil: undefined, freq: 3 })
const steps: fc.Arbitrary<Step> = fc.oneof(
  ...WRITES.flatMap((route) =>
    route.body ? [fc.record({ name: fc.constant(nameOf(route)), body: bodiesOf(route.body), key })] : [],
  ),
)

/** A server, and what stands for each of its ids, times and cursors in what is compared. */
class Side implements AsyncDisposable {
  readonly #server: TestServer
  readonly #call: ReturnType<typeof actingAs>['call']
  readonly #scene: Scene
  readonly #names = new Map<string, string>()

  private constructor(server: TestServer, call: ReturnType<typeof actingAs>['call'], scene: Scene) {
    this.#server = server
    this.#call = call
    this.#scene = scene
  }

  static async start(databaseUrl: string | undefined): Promise<Side> {
    const server = await startServerWithRights({ databaseUrl })
    const { call } = actingAs(server, await tokenFor(['*'], ['*'], { sub: 'ann é' }))
    return new Side(server, call, await makeScene(server))
  }

  async take({ name, body, key }: Step): Promise<unknown> {
    const { path } = this.#sample(name)
    const method = name.split(' ')[0]?.toUpperCase() ?? ''
    return this.#shown(
      await this.#call(method, path, bodyFor(this.#scene, body), key ? { 'Idempotency-Key': key } : {}),
    )
  }

  /** Every GET that has a sample, and the whole log. */
  async look(): Promise<Record<string, unknown>> {
    const seen: Record<string, unknown> = {}
    for (const name of READS) {
      if (!NOT_ALIKE.has(name)) seen[name] = this.#shown(await this.#call('GET', this.#sample(name).path))
    }
    seen.log = this.#shown(await this.#call('GET', '/events?limit=1000'))
    return seen
  }

  /** Reads with a text in the path and in the query. */
  async find(text: string): Promise<unknown[]> {
    const part = encodeURIComponent(text)
    const paths = READS.filter((name) => name.includes('/:')).map((name) =>
      name.replace('get ', '').replaceAll(/:\w+/g, part),
    )
    const queries = [`/events?types=${part}`, `/events?after=${part}`, `/tasks?session_id=${part}`]
    const answers: unknown[] = []
    for (const path of [...paths, ...queries]) answers.push(this.#shown(await this.#call('GET', path)))
    return answers
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]()
  }

  #sample(name: string) {
    const sample = samples[name]?.(this.#scene)
    if (!sample) throw new Error(`tests/support/route-samples.ts has no ${name}`)
    return sample
  }

  #shown({ status, body }: Answer<unknown>): unknown {
    const text = (JSON.stringify(body) ?? 'null')
      .replaceAll(this.#scene.name, 'scene')
      .replaceAll(/("(?:elapsedSeconds|durationSeconds|timestamp)"):\d+/g, '$1:0')
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'a time')
      .replaceAll(
        /[a-z]{3}_[0-9a-f-]{20,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[0-9a-f]{8}(?=-\d+\b)/g,
        (id) => this.#nameOf(id),
      )
    return { status, body: JSON.parse(text) }
  }

  #nameOf(id: string): string {
    const known = this.#names.get(id) ?? `id ${this.#names.size + 1}`
    this.#names.set(id, known)
    return known
  }
}

/** So that no two steps are of one millisecond on one server and of two on the other. */
async function nextMillisecond(): Promise<void> {
  for (const now = Date.now(); Date.now() === now; ) await new Promise(setImmediate)
}

describe.skipIf(!hasPostgres())('SQLite and PostgreSQL', () => {
  let postgres: PostgresServer
  beforeAll(async () => {
    postgres = await PostgresServer.start()
  })
  afterAll(() => postgres?.[Symbol.asyncDispose]())

  const LOCALES = {
    'C.UTF-8': '',
    'ICU en-US': "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'",
  }

  test.each(Object.entries(LOCALES))(
    '[N17a] [N17b] give the same answers to the same requests, in the same order, with the locale %s',
    async (_, locale) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(steps, { minLength: 60, maxLength: 60 }),
          fc.array(
            anyText.map((text) => text.toWellFormed()),
            { minLength: 3, maxLength: 3 },
          ),
          async (taken, texts) => {
            const options = locale && `TEMPLATE template0 ENCODING 'UTF8' ${locale}`
            await using one = await Side.start(undefined)
            await using other = await Side.start(await postgres.database(options))
            for (const step of taken) {
              expect([step, await other.take(step)]).toEqual([step, await one.take(step)])
              await nextMillisecond()
            }
            expect(await other.look()).toEqual(await one.look())
            for (const text of texts) expect([text, await other.find(text)]).toEqual([text, await one.find(text)])
          },
        ),
        { numRuns: 2, endOnFailure: true },
      )
    },
  )

  test.each(Object.entries(LOCALES))('[N17b] lists are in the order of bytes with the locale %s', async (_, locale) => {
    const ids = ['b', 'B', 'a', 'A', 'a-b', 'ab', 'a.b', 'a:b', 'aB', '_', '-', '10', '2', 'z', 'Z']
    const databaseUrl = await postgres.database(locale && `TEMPLATE template0 ENCODING 'UTF8' ${locale}`)
    await using server = await startTestServer({ databaseUrl })
    await server.post('/boards', { id: 'demo', name: 'Demo' })
    for (const id of ids) {
      await server.post('/agents', { id })
      const card = await server.post<{ id: string }>('/boards/demo/cards', { title: id })
      await server.post(`/cards/${card.id}/attempts`, { agent: id })
    }
    const sorted = [...ids].sort()
    const { agents } = await server.get<{ agents: Array<{ id: string }> }>('/agents')
    expect(agents.map(({ id }) => id)).toEqual(sorted)
    const { agentStats } = await server.get<{ agentStats: Array<{ agentId: string }> }>('/dashboard')
    expect(agentStats.map(({ agentId }) => agentId)).toEqual(sorted)
    const { state } = await server.get<{ state: { cards: Record<string, { ticketKey: string }> } }>('/boards/demo')
    const keys = Object.values(state.cards).map(({ ticketKey }) => ticketKey)
    expect(keys).toEqual([...keys].sort())
  })

  test('[N17c] the longest ids, keys and paths fit', async () => {
    // Without a pattern, so that nothing compresses them.
    const random = createRandom(chooseSeed())
    const long = (length: number, first: number, count: number) =>
      Array.from({ length }, () => String.fromCharCode(first + random.below(count))).join('')
    const id = () => long(200, 97, 26)
    const escaped = (text: string) => [...text].map((char) => `%${char.charCodeAt(0).toString(16)}`).join('')
    await using server = await startServerWithRights({ databaseUrl: await postgres.database() })
    const acting = actingAs(server, await tokenFor(['*'], ['*'], { sub: long(200, 0x4e00, 20_000) }))
    const accepted = async (path: string, body: object) => {
      const answer = await acting.call<{ id: string }>('POST', path, body, { 'Idempotency-Key': long(255, 0xc0, 64) })
      expect([path, answer.status < 300 || answer.body]).toEqual([path, true])
      return answer.body.id
    }
    const ids = { board: id().slice(0, 64), agent: id(), session: id(), shell: id(), topic: id() }
    await accepted('/boards', { id: ids.board, name: long(200, 0x4e00, 20_000) })
    await accepted(`/boards/${escaped(ids.board)}/columns`, { title: 'x', key: id().slice(0, 64) })
    const card = await accepted(`/boards/${escaped(ids.board)}/cards`, { title: long(200, 0x4e00, 20_000) })
    await accepted('/agents', { id: ids.agent, label: long(200, 0x4e00, 20_000) })
    const attempt = await accepted(`/cards/${card}/attempts`, { agent: ids.agent, status: 'running' })
    const text = { type: 'message', role: 'user', text: 'x' }
    await accepted(`/attempts/${attempt}/conversation`, { ...text, id: long(200, 0x4e00, 20_000) })
    await accepted(`/attempts/${attempt}/conversation`, { ...text, id: '\x01'.repeat(200) })
    await accepted('/sessions', { id: ids.session, boardId: ids.board, agentId: ids.agent })
    await accepted('/shells', { id: ids.shell, boardId: ids.board })
    await accepted(`/topics/${escaped(ids.topic)}/events`, { event: id().slice(0, 128) })
    await accepted(`/agents/${escaped(ids.agent)}/output`, { content: 'x' })
    await accepted('/tasks', { name: 'x', session_id: ids.session, request_id: long(200, 0x4e00, 20_000) })
    await accepted('/messages', { from_agent: ids.agent, to_agent: ids.agent, topic: ids.topic, content: 'x' })
  })
})
