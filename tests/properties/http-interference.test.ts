/**
 * Two boards, two tokens, random traffic on both: what the holder of one is answered is what it would be if the other did not
 * exist. A second server gets the traffic of the first alone, and every answer is compared, ids and times apart. RI11 is
 * stated in docs/security.md.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../support/server.ts'
import { actingAs, SECRET, tokenFor } from '../support/tokens.ts'

type Side = 'a' | 'b'

/** One request of a side. `on`: which of the ids of a kind that the side was given before, or those of the other side. */
interface Act {
  readonly side: Side
  readonly does: keyof typeof REQUESTS
  readonly pick: number
  /** Tries the names of the other side. */
  readonly strays: boolean
}

/** The ids that a side was given, by kind, in order. */
type Given = Record<'card' | 'attempt' | 'profile' | 'task' | 'subtask' | 'run' | 'message' | 'column', string[]>

interface Call {
  readonly method: string
  readonly path: string
  readonly body?: object
  /** The kind of what is made. */
  readonly makes?: keyof Given
}

const MISSING = 'none'

/** `who` is the side whose names are used; `id` picks one of the ids that this side was given. */
const REQUESTS = {
  board: (who) => ({ method: 'POST', path: '/boards', body: { id: `${who}-board`, name: who } }),
  deletion: (who) => ({ method: 'DELETE', path: `/boards/${who}-board` }),
  rename: (who, _, n) => ({ method: 'PATCH', path: `/boards/${who}-board`, body: { name: `Board ${n}` } }),
  card: (who, id) => ({
    method: 'POST',
    path: `/boards/${who}-board/cards`,
    body: { title: 'A card', dependsOn: [id('card')].filter((one) => one !== MISSING) },
    makes: 'card',
  }),
  cardEdit: (_, id, n) => ({ method: 'PATCH', path: `/cards/${id('card')}`, body: { title: `Card ${n}` } }),
  move: (_, id, n) => ({
    method: 'POST',
    path: `/cards/${id('card')}/move`,
    body: { columnKey: n % 2 ? 'done' : 'review' },
  }),
  attempt: (who, id, n) => ({
    method: 'POST',
    path: `/cards/${id('card')}/attempts`,
    body: { agent: `${who}-agent`, status: n % 2 ? 'running' : 'queued', profileId: n % 3 ? null : id('profile') },
    makes: 'attempt',
  }),
  end: (_, id, n) => ({
    method: 'PATCH',
    path: `/attempts/${id('attempt')}`,
    body: { status: n % 2 ? 'succeeded' : 'failed' },
  }),
  line: (_, id) => ({ method: 'POST', path: `/attempts/${id('attempt')}/logs`, body: { message: 'a line' } }),
  agent: (who, _, n) => ({ method: 'POST', path: '/agents', body: { id: `${who}-agent`, label: `Agent ${n}` } }),
  output: (who) => ({ method: 'POST', path: `/agents/${who}-agent/output`, body: { content: 'printed' } }),
  profile: (who, _, n) => ({
    method: 'POST',
    path: '/agent-profiles',
    body: { agent: `${who}-agent`, name: 'P', boardId: n % 2 ? `${who}-board` : null },
    makes: 'profile',
  }),
  session: (who, _, n) => ({
    method: 'POST',
    path: '/sessions',
    body: { id: `${who}-session-${n % 3}`, ...(n % 2 && { boardId: `${who}-board` }) },
  }),
  task: (who, _, n) => ({
    method: 'POST',
    path: '/tasks',
    body: { name: 'T', session_id: `${who}-session-${n % 3}` },
    makes: 'task',
  }),
  subtask: (who, id) => ({
    method: 'POST',
    path: `/tasks/${id('task')}/subtasks`,
    body: { description: 'S', agent_id: `${who}-agent`, blocked_by: [id('subtask')].filter((one) => one !== MISSING) },
    makes: 'subtask',
  }),
  run: (who) => ({
    method: 'POST',
    path: '/workflow-runs',
    body: { name: 'R', boardId: `${who}-board` },
    makes: 'run',
  }),
  step: (_, id) => ({ method: 'POST', path: `/workflow-runs/${id('run')}/steps`, body: { name: 'step' } }),
  shell: (who, id, n) => ({
    method: 'POST',
    path: '/shells',
    body: { id: `${who}-shell-${n % 3}`, ...(n % 2 ? { boardId: `${who}-board` } : { attemptId: id('attempt') }) },
  }),
  mail: (who) => ({
    method: 'POST',
    path: '/messages',
    body: { from_agent: who, to_agent: `${who}-agent`, content: 'Hello' },
    makes: 'message',
  }),
  read: (who, id) => ({ method: 'POST', path: `/messages/${id('message')}/read`, body: { agent_id: `${who}-agent` } }),
  said: (who) => ({ method: 'POST', path: `/topics/${who}-topic/events`, body: { event: 'said' } }),
  seeCard: (_, id) => ({ method: 'GET', path: `/cards/${id('card')}` }),
  seeAttempt: (_, id) => ({ method: 'GET', path: `/attempts/${id('attempt')}` }),
  seeTask: (_, id) => ({ method: 'GET', path: `/tasks/${id('task')}` }),
  seeBoard: (who) => ({ method: 'GET', path: `/boards/${who}-board` }),
} satisfies Record<string, (who: Side, id: (kind: keyof Given) => string, n: number) => Call>

/** Everything that a subject can read without knowing an id. */
const READS = [
  ...['/boards', '/agents', '/agent-profiles', '/sessions', '/tasks', '/workflow-runs', '/shells', '/dashboard'],
  ...['/boards?limit=1', '/sessions?limit=1', '/shells?boardId=b-board', '/sessions?boardId=b-board'],
  '/dashboard?range=all_time',
  '/agents/a-agent/messages',
  '/events?channels=board:a-board,agent:a-agent,topic:a-topic,session:a-session-0,project:a-board',
  '/boards/a-board',
  '/boards/b-board',
]

const act: fc.Arbitrary<Act> = fc.record({
  side: fc.constantFrom<Side[]>('a', 'b'),
  does: fc.constantFrom(...(Object.keys(REQUESTS) as Array<keyof typeof REQUESTS>)),
  pick: fc.nat(5),
  strays: fc.boolean().map((strays) => strays),
})

/** A server as its sides use it. */
class World {
  readonly given: Record<Side, Given> = { a: nothing(), b: nothing() }
  /** What side a was answered. */
  readonly answers: string[] = []
  readonly #names = new Map<string, string>()
  readonly #sides: Record<Side, ReturnType<typeof actingAs>>

  constructor(server: TestServer, tokens: Record<Side, string>) {
    this.#sides = { a: actingAs(server, tokens.a), b: actingAs(server, tokens.b) }
  }

  async run({ side, does, pick, strays }: Act, strangers: Given): Promise<void> {
    const who = strays ? (side === 'a' ? 'b' : 'a') : side
    // Ids of the other side are the same text on both servers, although they exist on one of them only.
    const known = !strays ? this.given[side] : side === 'a' ? strangers : this.given.a
    const id = (kind: keyof Given) => known[kind][pick % Math.max(1, known[kind].length)] ?? MISSING
    const call: Call = REQUESTS[does](who, id, pick)
    const answer = await this.#sides[side].call(call.method, call.path, call.body)
    if (call.makes && answer.status === 201) {
      const { id: made, task_id, subtask_id, message_id } = answer.body
      this.given[side][call.makes].push(String(made ?? task_id ?? subtask_id ?? message_id))
    }
    if (side === 'a') this.#note(`${call.method} ${call.path} ${JSON.stringify(call.body)}`, answer)
  }

  async read(): Promise<void> {
    for (const path of READS) this.#note(path, await this.#sides.a.call('GET', path))
  }

  #note(what: string, { status, body }: { status: number; body: unknown }): void {
    // An attempt may fall into another bucket of time.
    const text = JSON.stringify(body, (field, value) => (field === 'series' ? undefined : value))
    this.answers.push(this.#apart(`${what} -> ${status} ${text}`))
  }

  /** Ids become numbers in the order in which they were seen, and times are all alike. */
  #apart(text: string): string {
    return text
      .replaceAll(/\b[0-9a-f]{8}-\d+\b/g, 'CURSOR')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/"(timestamp|elapsedSeconds|durationSeconds)":\d+/g, '"$1":N')
      .replaceAll(/\b(?:crd|col|att|pro|tsk|sub|run|stp|msg)_[0-9a-f-]{36}/g, (id) => {
        const name = this.#names.get(id) ?? `ID${this.#names.size}`
        this.#names.set(id, name)
        return name
      })
  }
}

function nothing(): Given {
  return { card: [], attempt: [], profile: [], task: [], subtask: [], run: [], message: [], column: [] }
}

async function tokenOf(side: Side): Promise<string> {
  const names = ['board', 'project', 'agent', 'session', 'shell', 'topic'].map((kind) => `${kind}:${side}-*`)
  return tokenFor([...names, 'dashboard'], names, { sub: side })
}

test('[RI11] two boards with two tokens are two worlds over HTTP', async () => {
  const tokens = { a: await tokenOf('a'), b: await tokenOf('b') }
  let refused = 0
  let allowed = 0
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 20, maxLength: 80 }), async (acts) => {
      await using shared = await startTestServer({ jwtSecrets: [SECRET] })
      await using alone = await startTestServer({ jwtSecrets: [SECRET] })
      const [both, one] = [new World(shared, tokens), new World(alone, tokens)]
      for (const side of ['a', 'b'] as const) {
        for (const does of ['board', 'agent', 'session', 'card', 'attempt', 'task'] as const) {
          const first = { side, does, pick: 1, strays: false }
          await both.run(first, both.given.b)
          if (side === 'a') await one.run(first, both.given.b)
        }
      }
      for (const next of acts) {
        // What b has been given so far is what a tries on both servers.
        await both.run(next, both.given.b)
        if (next.side === 'a') await one.run(next, both.given.b)
      }
      await both.read()
      await one.read()
      refused += one.answers.filter((answer) => / -> 403 /.test(answer)).length
      allowed += one.answers.filter((answer) => / -> 20\d /.test(answer)).length
      expect(both.answers.find((answer, index) => answer !== one.answers[index])).toBe(
        one.answers.find((answer, index) => answer !== both.answers[index]),
      )
    }),
    { numRuns: 10, endOnFailure: true },
  )
  // Otherwise nothing was tested.
  expect(refused).toBeGreaterThan(40)
  expect(allowed).toBeGreaterThan(200)
}, 180_000)
