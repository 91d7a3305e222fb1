/** A client of openapi-typescript and openapi-fetch: a story on a board, while its stream is followed. */
import { EventSourceParserStream } from 'eventsource-parser/stream'
import createClient from 'openapi-fetch'
import type { Attempt, Board, Card, CardMoved, LogPage, NewBoard, NewCard, paths, StreamFrame } from './boardcast.js'

const api = createClient<paths>({ baseUrl: process.argv[2] ?? '' })

function print(line: Readonly<Record<string, string | number | readonly string[]>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** The data of an answer. Throws what a problem says. */
function dataOf<T>({ data, error }: { data?: T; error?: { detail: string } }): T {
  if (data === undefined) throw new Error(error?.detail)
  return data
}

async function* follow(boardId: string): AsyncGenerator<StreamFrame, void> {
  const body = dataOf(
    await api.GET('/sse', { params: { query: { boardId, view: 'diff', limit: 100 } }, parseAs: 'stream' }),
  )
  if (body === null) return
  for await (const { event, data } of body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())) {
    yield { event, data: JSON.parse(data) } as StreamFrame
  }
}

const columns: NewBoard['columns'] = [
  { title: 'To do', key: 'todo' },
  { title: 'Doing', key: 'doing' },
]
const board: Board = dataOf(await api.POST('/api/v1/boards', { body: { name: 'Fetched', columns } }))
const frames = follow(board.id)
const first = await frames.next()
if (!first.done && first.value.event === 'hello' && 'resumed' in first.value.data) {
  print({ event: first.value.event, resumed: String(first.value.data.resumed) })
}

const draft: NewCard = { title: 'Try the client', priority: 'high' }
const card: Card = dataOf(
  await api.POST('/api/v1/boards/{boardId}/cards', { params: { path: { boardId: board.id } }, body: draft }),
)
const moved: Card = dataOf(
  await api.POST('/api/v1/cards/{cardId}/move', {
    params: { path: { cardId: card.id } },
    body: { columnKey: 'doing', ifRevision: card.revision },
  }),
)
print({ title: moved.title, priority: moved.priority ?? 'none' })
const attempt: Attempt = dataOf(
  await api.POST('/api/v1/cards/{cardId}/attempts', {
    params: { path: { cardId: card.id } },
    body: { agent: 'claude-1', status: 'running' },
  }),
)
const path = { attemptId: attempt.id }
const { count } = dataOf(
  await api.POST('/api/v1/attempts/{attemptId}/logs', {
    params: { path },
    body: { lines: [{ message: 'one' }, { message: 'two', level: 'warn' }] },
  }),
)
const page: LogPage = dataOf(await api.GET('/api/v1/attempts/{attemptId}/logs', { params: { path } }))
print({ count, lines: page.lines.map(({ level, message }) => `${level} ${message}`) })

const { error } = await api.POST('/api/v1/cards/{cardId}/move', {
  params: { path: { cardId: card.id } },
  body: { columnKey: 'todo', ifRevision: card.revision },
})
switch (error?.code) {
  case 'stale_revision':
    print({ code: error.code, status: error.status })
    break
  case 'card_not_found':
    throw new Error('The card is not there.')
  default:
    throw new Error(`not refused as it should be: ${error?.code}`)
}

for await (const frame of frames) {
  if (frame.event === 'card_moved' && 'cardId' in frame.data) {
    const data: CardMoved = frame.data
    print({ event: frame.event, isOurs: String(data.cardId === card.id), revision: data.revision - card.revision })
  }
  if (frame.event === 'attempt_log' && 'message' in frame.data) {
    print({ event: frame.event, message: frame.data.message })
    if (frame.data.message === 'two') break
  }
}
