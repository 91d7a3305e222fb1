/**
 * Declares routes: a path, the schemas of the input, the status of the answer, and the domain function that does the work.
 * Parsing, idempotency, the transaction and the headers of the answer are the same for all routes and happen here.
 */
import { createHash } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import type { Context, Hono } from 'hono'
import type * as z from 'zod'
import type { EventType } from '../../shared/src/catalogue.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import { HEADER } from '../../shared/src/protocol.ts'
import type { Authenticator, CredentialFields } from '../auth/authenticator.ts'
import type { Subject } from '../auth/subject.ts'
import { Problem } from '../base/errors.ts'
import { parseInput } from '../base/validation.ts'
import type { Snapshot } from '../db/snapshot.ts'
import type { Sql } from '../db/sql.ts'
import type { Store, Tx } from '../db/store.ts'
import { findAnswer, saveAnswer } from '../domain/idempotency.ts'
import type { ClientLimits } from '../http/client-limits.ts'
import { createBodyReader, parseJson } from './body.ts'
import { type DeclaredRoute, declaredMutation, declaredRead, type Method } from './declared.ts'
import type { Answers, Described, Example } from './operation.ts'
import {
  authorizeAddress,
  authorizeBody,
  authorizeSpeaker,
  authorizeThing,
  type Right,
  type Speaker,
} from './rights.ts'

/** What handlers get besides the request: Node's request and response, and the request id that the answer will carry. */
export type Env = { Bindings: HttpBindings & { readonly requestId: string } }

type ParamNames<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamNames<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never
export type Params<Path extends string> = Readonly<Record<ParamNames<Path>, string>>

/** What the handler of a GET works with: one consistent snapshot of the database. */
export interface ReadContext<Path extends string, Query> {
  readonly snapshot: Snapshot
  /** The same as `snapshot.sql`. */
  readonly sql: Sql
  /** The cursor that belongs to the snapshot. */
  readonly cursor: string
  readonly params: Params<Path>
  readonly query: Query
  /** The authenticated caller. A list has only what the subject may see. */
  readonly subject: Subject
}

/** The parsed input of a mutation. */
export interface MutationInput<Path extends string, Body, Query> {
  readonly params: Params<Path>
  readonly body: Body
  readonly query: Query
  readonly subject: Subject
}

/** An answer with the other status that its route declares. */
export class Answer<Value> {
  readonly status: 200
  readonly value: Value

  constructor(status: 200, value: Value) {
    this.status = status
    this.value = value
  }
}

/** An answer that is already JSON text. */
export class JsonText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export interface Api {
  readonly routes: readonly DeclaredRoute[]
  /** Declares a GET. `work` runs in one `store.read`; its result is answered with 200 and the cursor of the snapshot. */
  get<Path extends string, Shown extends object, Query = unknown>(
    path: Path,
    options: Described & {
      right: Right<Params<Path>, undefined, Query>
      query?: z.ZodType<Query>
      /** Of the answer. It is for the contract and for tests; answers are not parsed. */
      answer: z.ZodType<Shown>
      example: { readonly answer: NoInfer<Shown> }
    },
    work: (context: ReadContext<Path, Query>) => Promise<NoInfer<Shown> | JsonText>,
  ): void
  /**
   * Declares a mutation. `work` runs in a transaction; its result is answered with `status` (204: without a body), an
   * `Answer` with its own status. A POST may carry an `Idempotency-Key`.
   */
  mutate<Path extends string, Shown = undefined, Body = undefined, Sent = undefined, Query = unknown>(
    method: Method,
    path: Path,
    options: Described & {
      /** For an `Answer`. */
      otherStatus?: 200
      /** The types of the events that it may commit. */
      emits: readonly EventType[]
      example: Example<NoInfer<Sent>, NoInfer<Shown>>
      right: Right<Params<Path>, Body, Query>
      /** In whose name it is done: a token that is bound to another agent or session is refused. */
      speaksFor?(input: { params: Params<Path>; body: Body }): Speaker
      body?: z.ZodType<Body, Sent>
      /** What a request without a body means; without this it is refused. */
      emptyBody?: Body
      query?: z.ZodType<Query>
      /** The answer is a secret: it is not stored, and an `Idempotency-Key` is ignored. */
      isSecret?: true
    } & Answers<Shown>,
    work: (tx: Tx, input: MutationInput<Path, Body, Query>) => Promise<NoInfer<Shown> | Answer<NoInfer<Shown>>>,
  ): void
}

export function createApi(app: Hono<Env>, store: Store, authenticator: Authenticator, limits: ClientLimits): Api {
  const readBody = createBodyReader()
  const routes: DeclaredRoute[] = []
  return {
    routes,
    get(path, options, work) {
      routes.push(declaredRead(path, options))
      app.get(path, async (c) => {
        const subject = await authenticator.authenticate(credentialFields(c), false)
        const params = paramsOf<typeof path>(c)
        const query = parseQuery(c, options.query)
        authorizeAddress(options.right, subject, 'subscribe', { params, query })
        let cursor = ''
        try {
          const answered = await store.read(async (snapshot) => {
            const { sql, epoch, head } = snapshot
            cursor = formatCursor(epoch, head)
            await authorizeThing(options.right, subject, 'subscribe', { reader: snapshot, params })
            return work({ snapshot, sql, cursor, params, query, subject })
          })
          const text = answered instanceof JsonText ? answered.text : JSON.stringify(answered)
          // A client that has seen later events can tell by the cursor that a cache has answered.
          return answerJson(text, 200, { [HEADER.cursor]: cursor })
        } catch (error) {
          // A 404 holds at a cursor, too.
          if (cursor !== '') c.header(HEADER.cursor, cursor)
          throw error
        }
      })
    },
    mutate(method, path, options, work) {
      const { right } = options
      const declared = declaredMutation(method, path, options)
      const { takesKey } = declared
      routes.push(declared)
      async function handle(c: Context<Env>): Promise<Response> {
        const subject = await authenticator.authenticate(credentialFields(c), false)
        const refusal = limits.admitMutation(subject, c.env.incoming)
        if (refusal) await refusal
        const params = paramsOf<typeof path>(c)
        const query = parseQuery(c, options.query)
        authorizeAddress(right, subject, 'publish', { params, query })
        const raw = await readBody(c.env.incoming)
        const parsed = attempt(() => bodyOf(c, raw, options))
        // Whoever may not see a thing does not learn from an error in the body that it exists.
        if (parsed.error !== undefined && (right.by !== 'thing' || subject.publish.isAll)) throw parsed.error
        const body = parsed.value as never
        if (parsed.error === undefined) {
          authorizeBody(right, subject, 'publish', { body, params })
          if (options.speaksFor) authorizeSpeaker(subject, options.speaksFor({ params, body }))
        }
        const key = takesKey ? idempotencyKey(c) : undefined
        const answer = await store.transact(
          async (tx) => {
            await authorizeThing(right, subject, 'publish', { reader: tx, params })
            if (parsed.error !== undefined) throw parsed.error
            const claim = key && { subject: subject.id, route: c.req.path, key, bodyHash: hash(raw) }
            const first = claim && (await findAnswer(tx, claim))
            if (first) return { ...first, replayed: true }
            const result = await work(tx, { params, body, query, subject })
            const { status, value } = result instanceof Answer ? result : { status: options.status, value: result }
            const made = { status, text: status === 204 ? '' : JSON.stringify(value), eventId: tx.eventId }
            if (claim) await saveAnswer(tx, claim, made)
            return { ...made, replayed: false }
          },
          { actor: subject.actor },
        )
        return answerJson(answer.text, answer.status, {
          [HEADER.eventId]: answer.eventId,
          ...(answer.replayed && { [HEADER.idempotencyReplayed]: 'true' }),
        })
      }

      app.on(method, path, async (c) => {
        try {
          return await handle(c)
        } catch (error) {
          // A refusal commits nothing; its event id is the head of the log.
          c.header(HEADER.eventId, store.cursor)
          throw error
        }
      })
    },
  }
}

export function credentialFields(c: Context<Env>): CredentialFields {
  return { header: (name) => c.req.header(name), query: (name) => c.req.query(name) }
}

/** What `work` returns, or the error that it throws. */
function attempt<T>(work: () => T): { value: T; error?: undefined } | { value?: undefined; error: unknown } {
  try {
    return { value: work() }
  } catch (error) {
    return { error: error ?? new Error('nothing was thrown') }
  }
}

/** Passes headers as the plain object that Node wants: through Hono's context they would be copied to a `Headers` and back. */
function answerJson(text: string, status: number, headers?: Readonly<Record<string, string>>): Response {
  if (status === 204) return new Response(null, { status, headers: { ...headers } })
  return new Response(text, { status, headers: { 'Content-Type': 'application/json', ...headers } })
}

function parseQuery<Query>(c: Context<Env>, schema: z.ZodType<Query> | undefined): Query {
  return (schema ? parseInput(schema, c.req.query(), 'query') : undefined) as Query
}

function paramsOf<Path extends string>(c: Context<Env>): Params<Path> {
  return c.req.param() as Params<Path>
}

function idempotencyKey(c: Context<Env>): string | undefined {
  const key = c.req.header(HEADER.idempotencyKey)
  if (key === undefined) return undefined
  if (key.length < 1 || key.length > 255) {
    throw new Problem('bad_request', `${HEADER.idempotencyKey} must be 1 to 255 characters long.`)
  }
  return key
}

/** A route that takes no body ignores an empty one and refuses any other. */
function bodyOf<Body>(c: Context<Env>, raw: Buffer, options: { body?: z.ZodType<Body>; emptyBody?: Body }) {
  if (!options.body) return noBody(raw)
  if (raw.length === 0 && options.emptyBody !== undefined) return options.emptyBody
  return parseInput(options.body, parseJson(c, raw), 'body')
}

function noBody(raw: Buffer): undefined {
  const text = raw.toString('utf8').trim()
  if (text !== '' && text !== '{}')
    throw new Problem('validation_failed', 'This route takes no body.', {
      errors: [{ path: '', message: 'takes no body' }],
    })
}

function hash(raw: Buffer): string {
  return createHash('sha256').update(raw).digest('base64')
}
