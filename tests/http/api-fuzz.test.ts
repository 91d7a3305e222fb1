/** Random requests to every route that changes something. Rules T24 and T25. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { catalogue } from '../../shared/src/catalogue.ts'
import { makeBoard, makeCard, makeWork } from '../support/board.ts'
import { ask, newestId } from '../support/http.ts'
import { chooseSeed } from '../support/random.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
/** Ids of existing resources, by kind; recreated when a random request has deleted them. */
let ids: Record<string, string>

beforeAll(async () => {
  server = await startTestServer()
  await makeThings()
})
afterAll(() => server[Symbol.asyncDispose]())

async function makeThings(): Promise<void> {
  const { boardId, card, attempt } = await makeWork(server)
  const other = await makeCard(server, boardId)
  const board = await makeBoard(server)
  const profile = await server.post<{ id: string }>('/agent-profiles', { agent: 'a', name: 'n' })
  ids = {
    board: boardId,
    column: board.columns[0]?.id ?? '',
    card: other.id,
    worked: card.id,
    attempt: attempt.id,
    profile: profile.id,
  }
}

const ROUTES = [
  'POST /boards',
  'PATCH /boards/:board',
  'DELETE /boards/:board',
  'POST /boards/:board/columns',
  'PATCH /columns/:column',
  'DELETE /columns/:column',
  'POST /boards/:board/cards',
  'PATCH /cards/:card',
  'DELETE /cards/:card',
  'POST /cards/:card/move',
  'POST /cards/:card/attempts',
  'PATCH /attempts/:attempt',
  'POST /attempts/:attempt/stop',
  'POST /attempts/:attempt/logs',
  'POST /attempts/:attempt/conversation',
  'PUT /attempts/:attempt/todos',
  'POST /attempts/:attempt/session',
  'POST /attempts/:attempt/pr',
  'POST /boards/:board/git/status',
  'POST /boards/:board/git/commits',
  'POST /boards/:board/git/pushes',
  'POST /boards/:board/git/operations',
  'POST /boards/:board/files/changes',
  'POST /agents',
  'POST /agent-profiles',
  'PATCH /agent-profiles/:profile',
  'DELETE /agent-profiles/:profile',
] as const

/** Names and values that routes know, so that random bodies get past the first check. */
const examples = Object.values(catalogue).map(({ example }) => example as Record<string, unknown>)
const inner = examples.flatMap((example) => Object.values(example)).filter((value) => typeof value === 'object')
const known = [...examples, ...(inner as Array<Record<string, unknown> | null>)].filter((value) => value !== null)
const extraNames = [
  'name',
  'config',
  'columnKey',
  'lines',
  'items',
  'capabilities',
  'ifRevision',
  'dependsOn',
  '__proto__',
]
const names = [...new Set([...known.flatMap((value) => Object.keys(value)), ...extraNames])]
const values = [
  ...known.flatMap((value) => Object.values(value)),
  ...known,
  -1,
  1e308,
  '\ud800',
  '\u0000',
  'running',
  '',
]

const json = fc.jsonValue({ maxDepth: 4, stringUnit: 'binary' })
const likely = fc.dictionary(fc.constantFrom(...names), fc.oneof(fc.constantFrom(...values), json), { maxKeys: 6 })
/** A known payload with one field changed. */
const nearly = fc
  .tuple(fc.constantFrom(...known), fc.constantFrom(...names), fc.oneof(fc.constantFrom(...values), json))
  .map(([value, name, odd]) => ({ ...value, [name]: odd }))
const odd = fc.string({ unit: 'binary', maxLength: 40 })
const route = fc.constantFrom(...ROUTES)
const query = fc.oneof(
  fc.constant(''),
  fc.tuple(fc.constantFrom('ifRevision', 'limit', 'x'), odd).map(([name, value]) => `?${name}=${encode(value)}`),
)

/** encodeURIComponent refuses lone surrogates; on the wire any bytes may come. */
function encode(text: string): string {
  return [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}

/** Sends a request to a route, and checks its answer against the rules. */
async function send(
  declared: string,
  request: { raw: string | Uint8Array<ArrayBuffer>; id?: string; query?: string; headers?: Record<string, string> },
): Promise<void> {
  const [method = '', path = ''] = declared.split(' ')
  const before = await newestId(server)
  const target = path.replace(/:(\w+)/, (_, kind: string) => (request.id ? encode(request.id) : (ids[kind] ?? '')))
  const reply = await ask(server, method, target + (request.query ?? ''), request)
  const after = await newestId(server)
  expect(reply.status, `${method} ${target} ${reply.text}`).toBeLessThan(500)
  expect(reply.headers.get('X-Request-Id')).not.toBeNull()
  if (reply.status >= 300) {
    expect(after, `${method} ${target} was refused with ${reply.status}`).toBe(before)
    expect(reply.body).toMatchObject({ status: reply.status, code: expect.any(String), detail: expect.any(String) })
  } else {
    expect(reply.headers.get('Event-Id')).toBe(after)
    if (method === 'DELETE') await makeThings()
  }
}

describe('random requests', () => {
  it('[T24] [T25] with random bodies of JSON', async () => {
    await fc.assert(
      fc.asyncProperty(route, fc.oneof(json, likely, nearly), (declared, body) =>
        send(declared, { raw: JSON.stringify(body) }),
      ),
      { numRuns: 180, seed: chooseSeed() },
    )
  })

  it('[T24] [T25] with random bytes', async () => {
    const bytes = fc.uint8Array({ maxLength: 200 })
    /** JSON with some of its bytes changed. */
    const spoilt = fc
      .tuple(nearly, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 3 }))
      .map(([value, changes]) => {
        const buffer = Buffer.from(JSON.stringify(value))
        for (const [at, byte] of changes) if (at < buffer.length) buffer[at] = byte
        return buffer
      })
    await fc.assert(
      fc.asyncProperty(route, fc.oneof(bytes, spoilt), (declared, raw) => send(declared, { raw: new Uint8Array(raw) })),
      { numRuns: 60, seed: chooseSeed() },
    )
  })

  it('[T24] [T25] with random ids, queries and headers', async () => {
    const headers = fc.record(
      {
        'Idempotency-Key': fc.string({ maxLength: 300 }),
        'Content-Type': fc.oneof(fc.constant('application/json'), fc.string({ maxLength: 20 })),
        'X-Request-Id': fc.string({ maxLength: 150 }),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(route, nearly, fc.option(odd, { nil: '' }), query, headers, (declared, body, id, asked, given) =>
        send(declared, { raw: JSON.stringify(body), id, query: asked, headers: given }),
      ),
      { numRuns: 60, seed: chooseSeed() },
    )
  })
})
