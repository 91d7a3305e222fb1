/** Every route that accepts output of programs: how to post texts, and where to read them back. */
import { makeWork } from './board.ts'
import { ask, type Reply } from './http.ts'
import type { TestServer } from './server.ts'

export interface Printer {
  /** Posts the texts in one request. */
  post(texts: readonly string[]): Promise<Reply>
  /** The channels that show them, including `global`. */
  readonly channels: readonly string[]
  /** Reads them back over HTTP, the first 1,000; undefined when there is no such route. */
  readonly readBack: (() => Promise<string[]>) | undefined
}

/** The routes that take up to 1,000 texts at once. */
export const BATCH_PRINTERS = {
  'the log of an attempt': async (server) => {
    const { boardId, attempt } = await makeWork(server)
    const path = `/attempts/${attempt.id}/logs`
    return {
      post: (texts) => send(server, path, { lines: texts.map((message) => ({ message })) }),
      channels: [`attempt:${attempt.id}`, `board:${boardId}`, `agent:${attempt.agent}`, 'global'],
      readBack: () =>
        read<{ lines: Array<{ message: string }> }>(server, path, ({ lines }) => lines.map(({ message }) => message)),
    }
  },
  'the output of an agent': async (server) => {
    const agent = newName()
    const path = `/agents/${agent}/output`
    return {
      post: (lines) => send(server, path, { lines }),
      channels: [`agent:${agent}`, 'global'],
      readBack: () =>
        read<{ items: Array<{ lines: string[] }> }>(server, path, ({ items }) => items.flatMap(({ lines }) => lines)),
    }
  },
  'the output of a session': async (server) => {
    const id = newName()
    await server.post('/sessions', { id })
    const path = `/sessions/${id}/output`
    return {
      post: (texts) => send(server, path, { chunks: texts.map((content) => ({ content })) }),
      channels: [`session:${id}`, 'global'],
      readBack: () =>
        read<{ chunks: Array<{ content: string }> }>(server, path, ({ chunks }) =>
          chunks.map(({ content }) => content),
        ),
    }
  },
  'the output of a shell': async (server) => {
    const id = newName()
    await server.post('/shells', { id })
    const path = `/shells/${id}/output`
    return {
      post: (texts) => send(server, path, { chunks: texts.map((data) => ({ data })) }),
      channels: [`shell:terminal:${id}`, 'global'],
      readBack: () =>
        read<{ chunks: Array<{ data: string }> }>(server, path, ({ chunks }) => chunks.map(({ data }) => data)),
    }
  },
} satisfies Record<string, (server: TestServer) => Promise<Printer>>

/** The routes that take one text at a time. */
export const PRINTERS = {
  ...BATCH_PRINTERS,
  'a piece of output of an agent': async (server) => {
    const agent = newName()
    const path = `/agents/${agent}/output`
    return {
      post: ([content]) => send(server, path, { content }),
      channels: [`agent:${agent}`, 'global'],
      readBack: () =>
        read<{ items: Array<{ content: string }> }>(server, path, ({ items }) => items.map(({ content }) => content)),
    }
  },
  'an event on a topic': async (server) => {
    const topic = newName()
    return {
      post: ([data]) => send(server, `/topics/${topic}/events`, { event: 'printed', data }),
      channels: [`topic:${topic}`, 'global'],
      readBack: undefined,
    }
  },
  'an error of a shell': async (server) => {
    const id = newName()
    await server.post('/shells', { id })
    return {
      post: ([error]) => send(server, `/shells/${id}/error`, { error }),
      channels: [`shell:terminal:${id}`, 'global'],
      readBack: undefined,
    }
  },
} satisfies Record<string, (server: TestServer) => Promise<Printer>>

/** The texts in the payload of any of them; empty for other payloads. */
export function printedIn(data: unknown): string[] {
  if (typeof data === 'string') return [data]
  if (typeof data !== 'object' || data === null) return []
  const { lines, message, content, data: chunk, error } = data as { [field: string]: unknown }
  if (Array.isArray(lines)) return lines
  const text = message ?? content ?? chunk ?? error
  return typeof text === 'string' ? [text] : []
}

let names = 0

function newName(): string {
  return `printer:${process.pid}.${++names}`
}

function send(server: TestServer, path: string, json: object): Promise<Reply> {
  return ask(server, 'POST', path, { json })
}

async function read<Body>(server: TestServer, path: string, textsOf: (body: Body) => string[]): Promise<string[]> {
  return textsOf(await server.get<Body & object>(`${path}?limit=1000`))
}
