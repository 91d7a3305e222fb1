/** The stores that the contract suite is run over. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { migrate } from '../../src/db/migrations/migrate.ts'
import type { Sql } from '../../src/db/sql.ts'
import { oneConnection } from '../../src/db/sqlite/one-connection.ts'
import type { StoreOptions, Tx } from '../../src/db/store.ts'
import { chooseSeed, createRandom } from '../support/random.ts'
import { emitLine } from '../support/test-store.ts'
import { openUnlocked, type Unlocked } from '../support/unlocked.ts'
import { createLedger, record } from './ledger.ts'
import { type Cluster, type Other, type StoreKind, TestNode } from './nodes.ts'
import { SlowSql } from './slow-sql.ts'

const WRITER = fileURLToPath(new URL('./writer-process.ts', import.meta.url))
const ALL_BUT = (maxEvents: number) => ({ maxAgeMs: Infinity, maxBytes: Infinity, maxEvents })

export const sqlite: StoreKind = { name: 'SQLite', open: () => InProcess.open((sql) => sql) }

export const slowSqlite: StoreKind = {
  name: 'slow SQLite',
  open() {
    const random = createRandom(chooseSeed())
    return InProcess.open((sql) => new SlowSql(sql, random))
  },
}

/** Every node has a connection of its own, as it would in a process of its own. */
class InProcess implements Cluster {
  readonly other: Other
  readonly #connections: Unlocked[] = []
  readonly #folder = mkdtempSync(join(tmpdir(), 'boardcast-contract-'))
  readonly #wrap: (sql: Sql) => Sql

  protected constructor(wrap: (sql: Sql) => Sql) {
    this.#wrap = wrap
    let node: Promise<TestNode> | undefined
    const asOther = async <T>(work: (tx: Tx) => Promise<T>) => {
      node ??= this.node()
      return (await node).store.transact(work)
    }
    this.other = {
      commit: (events) => asOther((tx) => record(tx, 'other', events)),
      print: (lines) => asOther((tx) => print(tx, lines)),
      trim: (maxEvents) => asOther((tx) => trimAll(tx, maxEvents)),
    }
  }

  static async open(wrap: (sql: Sql) => Sql): Promise<InProcess> {
    const cluster = new InProcess(wrap)
    await cluster.create()
    return cluster
  }

  get path(): string {
    return join(this.#folder, 'test.db')
  }

  async node(options?: Partial<StoreOptions>): Promise<TestNode> {
    return TestNode.open(oneConnection(this.#wrap(this.#connect().sql)), options)
  }

  async quiet(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  protected async create(): Promise<void> {
    const { sql } = this.#connect()
    await migrate(oneConnection(sql))
    await createLedger(sql)
  }

  #connect(): Unlocked {
    const connection = openUnlocked(this.path)
    this.#connections.push(connection)
    return connection
  }
}

export async function print(tx: Tx, lines: number): Promise<void> {
  for (let n = 0; n < lines; n++) emitLine(tx, 'printer', `line ${n}`)
}

export async function trimAll(tx: Tx, maxEvents: number): Promise<void> {
  while (await tx.trimLog(ALL_BUT(maxEvents), 1_000));
}

export type Order =
  | { readonly does: 'open'; readonly path: string }
  | { readonly does: 'write' | 'pause' | 'close' }
  | { readonly does: 'commit' | 'print' | 'trim'; readonly count: number }

export type Asked = Order & { readonly id: number }

export interface Answer {
  readonly id: number
  readonly error?: string | undefined
  readonly result?: unknown
}

/** One process for all tests of a file. It writes all the time, until it is asked to be quiet. */
export function twoProcesses(): StoreKind & { stop(): void } {
  let child: ChildProcess | undefined
  let asked = 0

  function ask(order: Order): Promise<unknown> {
    child ??= fork(WRITER, { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    const writer = child
    const id = ++asked
    return new Promise((resolve, reject) => {
      function onExit(): void {
        reject(new Error('the writing process has ended'))
      }
      function onAnswer(answer: Answer): void {
        if (answer.id !== id) return
        writer.off('exit', onExit)
        writer.off('message', onAnswer)
        if (answer.error) reject(new Error(answer.error))
        else resolve(answer.result)
      }
      writer.once('exit', onExit)
      writer.on('message', onAnswer)
      writer.send({ ...order, id } satisfies Asked)
    })
  }

  class TwoProcesses extends InProcess {
    override readonly other: Other = {
      commit: async (count) => (await ask({ does: 'commit', count })) as number[],
      print: async (count) => void (await ask({ does: 'print', count })),
      trim: async (count) => void (await ask({ does: 'trim', count })),
    }

    static async start(): Promise<TwoProcesses> {
      const cluster = new TwoProcesses((sql) => sql)
      await cluster.create()
      await ask({ does: 'open', path: cluster.path })
      await ask({ does: 'write' })
      return cluster
    }

    override async quiet(): Promise<void> {
      await ask({ does: 'pause' })
    }

    override async [Symbol.asyncDispose](): Promise<void> {
      await ask({ does: 'close' })
      await super[Symbol.asyncDispose]()
    }
  }

  return { name: 'SQLite with a second process', open: () => TwoProcesses.start(), stop: () => child?.kill() }
}
