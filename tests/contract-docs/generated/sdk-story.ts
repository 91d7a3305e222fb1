/** A client of @hey-api/openapi-ts: a story on a board, while its stream is followed. */
import { EventEmitter, once } from 'node:events'
import { client } from './boardcast/client.gen.js'
import {
  type Attempt,
  appendAttemptLogs,
  type Board,
  type Card,
  type CardMoved,
  createAttempt,
  createBoard,
  createCard,
  type LogPage,
  listAttemptLogs,
  moveCard,
  type NewBoard,
  type NewCard,
  openStream,
  type StreamFrame,
} from './boardcast/index.js'

client.setConfig({ baseUrl: process.argv[2] ?? '' })

function print(line: Readonly<Record<string, string | number | readonly string[]>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

const columns: NonNullable<NewBoard['columns']> = [
  { title: 'To do', key: 'todo' },
  { title: 'Doing', key: 'doing' },
]
const board: Board = (await createBoard({ body: { name: 'Called', columns }, throwOnError: true })).data

const progress = new EventEmitter()
const opened = once(progress, 'opened')
const finished = once(progress, 'finished')
const connection = new AbortController()
let card: Card | undefined

function show(frame: StreamFrame): void {
  if (frame.event === 'hello' && 'resumed' in frame.data) {
    print({ event: frame.event, resumed: String(frame.data.resumed) })
    progress.emit('opened')
  }
  if (frame.event === 'card_moved' && 'cardId' in frame.data && card !== undefined) {
    const data: CardMoved = frame.data
    seen.push({ event: frame.event, isOurs: String(data.cardId === card.id), revision: data.revision - card.revision })
  }
  if (frame.event === 'attempt_log' && 'message' in frame.data) {
    seen.push({ event: frame.event, message: frame.data.message })
    if (frame.data.message === 'two') progress.emit('finished')
  }
}

const seen: Array<Record<string, string | number>> = []
const { stream } = await openStream({
  query: { boardId: board.id, view: 'diff' },
  signal: connection.signal,
  sseMaxRetryAttempts: 1,
  // The generated `stream` has the data alone; this has the name, too.
  onSseEvent: (event) => show(event as unknown as StreamFrame),
})
const following = (async () => {
  while (!(await stream.next()).done);
})()
await opened

const draft: NewCard = { title: 'Try the client', priority: 'high' }
card = (await createCard({ path: { boardId: board.id }, body: draft, throwOnError: true })).data
const path = { cardId: card.id }
const target = { columnKey: 'doing', ifRevision: card.revision }
const moved: Card = (await moveCard({ path, body: target, throwOnError: true })).data
print({ title: moved.title, priority: moved.priority ?? 'none' })

const run = { agent: 'claude-1', status: 'running' } as const
const attempt: Attempt = (await createAttempt({ path, body: run, throwOnError: true })).data
const lines = [{ message: 'one' }, { message: 'two', level: 'warn' as const }]
const { count } = (await appendAttemptLogs({ path: { attemptId: attempt.id }, body: { lines }, throwOnError: true }))
  .data
const page: LogPage = (await listAttemptLogs({ path: { attemptId: attempt.id }, throwOnError: true })).data
print({ count, lines: page.lines.map(({ level, message }) => `${level} ${message}`) })

const { error } = await moveCard({ path, body: { columnKey: 'todo', ifRevision: card.revision } })
switch (error?.code) {
  case 'stale_revision':
    print({ code: error.code, status: error.status })
    break
  case 'card_not_found':
    throw new Error('The card is not there.')
  default:
    throw new Error(`not refused as it should be: ${error?.code}`)
}

await finished
for (const line of seen) print(line)
connection.abort()
await following
