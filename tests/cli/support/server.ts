import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServer } from '../../../src/main.ts'
import { dropDatabaseAt, storeAt } from '../../support/stores.ts'

/** A real server with its own database. */
export async function startHub() {
  const folder = await mkdtemp(join(tmpdir(), 'boardcast-cli-test-'))
  const dbPath = join(folder, 'test.db')
  const server = await startServer({ port: 0, ...(await storeAt(dbPath)) })

  async function ask(method: string, path: string, body?: unknown) {
    const init =
      body === undefined ? {} : { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
    const response = await fetch(`${server.url}/api/v1${path}`, { method, ...init })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return JSON.parse((await response.text()) || 'null')
  }

  return {
    url: server.url,
    ask,
    /** The cards of a board, oldest first. */
    async cards(boardId: string) {
      const { state } = await ask('GET', `/boards/${boardId}`)
      const cards: { id: string; title: string; columnId: string; attempt: { id: string; status: string } | null }[] =
        Object.values(state.cards)
      return cards.map((card) => ({ ...card, column: state.columns[card.columnId].key as string }))
    },
    async attempt(id: string) {
      const body = await ask('GET', `/attempts/${id}`)
      return body.attempt ?? body
    },
    /** The whole log of an attempt. */
    async log(id: string) {
      const lines: { message: string; stream: string; level: string }[] = []
      for (let after = ''; ; ) {
        const page = await ask('GET', `/attempts/${id}/logs?limit=1000${after && `&after=${after}`}`)
        lines.push(...page.lines)
        if (!page.more) return lines
        after = page.cursor
      }
    },
    async [Symbol.asyncDispose]() {
      await server.close()
      await dropDatabaseAt(dbPath)
      await rm(folder, { recursive: true, force: true })
    },
  }
}
