/**
 * The `Sql` port on one connection. Queries are sent without waiting for the answers to earlier ones, and are answered in
 * the order in which they were sent. So a statement without a result is not waited for: `settle` tells whether it failed.
 */
import pg from 'pg'
import type { Sql, SqlValue } from '../sql.ts'
import { asFault } from './faults.ts'
import { prepare } from './placeholders.ts'
import { Gathering } from './socket.ts'
import { decodeText, encodeText } from './text.ts'

/** Counts, sums and 64-bit columns come as text. All of this program's stay below 2^53. */
const NUMERIC_TYPES: ReadonlySet<number> = new Set([pg.types.builtins.INT8, pg.types.builtins.NUMERIC])
const TEXT_TYPES: ReadonlySet<number> = new Set([pg.types.builtins.TEXT, pg.types.builtins.VARCHAR])

export const TYPES: pg.CustomTypesConfig = {
  getTypeParser(type, format) {
    if (NUMERIC_TYPES.has(type)) return Number
    if (TEXT_TYPES.has(type)) return decodeText
    return pg.types.getTypeParser(type, format as 'text')
  },
}

export class Queries implements Sql {
  readonly #client: pg.ClientBase
  readonly #gathering: Gathering
  readonly #translate: (query: string) => string
  #failure: unknown
  #hasFailed = false
  #isLost = false
  /** Counts the calls of `forgive`. */
  #forgiven = 0

  /** `translate`: rewrites every query that has no parameters. */
  constructor(client: pg.ClientBase, translate: (query: string) => string = (query) => query) {
    this.#client = client
    this.#gathering = new Gathering(client)
    this.#translate = translate
  }

  async get<Row extends object>(query: string, params?: readonly SqlValue[]): Promise<Row | undefined> {
    return (await this.all<Row>(query, params))[0]
  }

  async all<Row extends object>(query: string, params: readonly SqlValue[] = []): Promise<Row[]> {
    return this.#rows<Row>({ ...prepare(query), values: params.map(encoded) })
  }

  async values<Row extends readonly SqlValue[]>(query: string, params: readonly SqlValue[] = []): Promise<Row[]> {
    return this.#rows<Row>({ ...prepare(query), values: params.map(encoded), rowMode: 'array' })
  }

  run(query: string, params: readonly SqlValue[] = []): Promise<void> {
    const sent =
      params.length === 0
        ? this.#send({ text: this.#translate(query) })
        : this.#send({ ...prepare(query), values: params.map(encoded) })
    const forgiven = this.#forgiven
    sent.catch((error: unknown) => {
      if (this.#hasFailed || forgiven !== this.#forgiven) return
      this.#hasFailed = true
      this.#failure = error
    })
    return Promise.resolve()
  }

  /** Runs a statement, and waits for it and for everything before it. Rejects with the first failure. */
  async settle(statement: string): Promise<string> {
    let command = ''
    let error: unknown
    try {
      command = await this.#command(statement)
    } catch (cause) {
      error = cause
    }
    // What comes after a failure only fails because of it.
    if (this.#hasFailed) throw this.#failure
    if (error !== undefined) throw error
    return command
  }

  /** Whether the connection has failed, so that what was sent last may have been carried out or not. */
  get isLost(): boolean {
    return this.#isLost
  }

  /** What was sent so far is undone, whether it has failed or will. */
  forgive(): void {
    this.#forgiven += 1
    this.#hasFailed = false
    this.#failure = undefined
  }

  async #rows<Row>(query: pg.QueryConfig & { rowMode?: 'array' }): Promise<Row[]> {
    try {
      return await this.#send<Row>(query)
    } catch (error) {
      // What comes after a failure only fails because of it.
      throw this.#hasFailed ? this.#failure : error
    }
  }

  #send<Row>(query: pg.QueryConfig & { rowMode?: 'array' }): Promise<Row[]> {
    this.#gathering.join()
    return new Promise((resolve, reject) => {
      this.#client.query({ ...query, types: TYPES }, (error: Error | undefined, result: pg.QueryResult) => {
        if (error) reject(this.#faultOf(error))
        else resolve(result.rows as Row[])
      })
    })
  }

  #faultOf(error: Error): unknown {
    // An answer of the database tells; so does one that it is shutting down, but not about the COMMIT before it.
    if (!(error instanceof pg.DatabaseError) || error.code?.startsWith('57P')) this.#isLost = true
    return asFault(error)
  }

  #command(text: string): Promise<string> {
    this.#gathering.join()
    return new Promise((resolve, reject) => {
      this.#client.query({ text }, (error: Error | undefined, result: pg.QueryResult) => {
        if (error) reject(this.#faultOf(error))
        else resolve(result.command)
      })
    })
  }
}

function encoded(value: SqlValue): SqlValue {
  return typeof value === 'string' ? encodeText(value) : value
}
