/** A board with a few cards and one attempt with output, created through the public API. */
import { appendLog, createAttempt, createBoard, createCard, Refusal, updateAttempt } from './api.ts'

export const DEMO_BOARD = { id: 'demo', name: 'Demo' } as const

const LINE_INTERVAL_MS = 600
const LINES = [
  '\u001b[1mcargo test\u001b[0m --workspace',
  '   \u001b[32mCompiling\u001b[0m hello v0.1.0',
  'running 2 tests',
  'test greets_by_name ... \u001b[32mok\u001b[0m',
  'test greets_everyone ... \u001b[32mok\u001b[0m',
  '\u001b[32;1mtest result: ok.\u001b[0m 2 passed; 0 failed',
]

/** Does nothing if there is a demo board already. */
export async function createDemoBoard(): Promise<void> {
  try {
    await createBoard(DEMO_BOARD)
  } catch (refusal) {
    if (!(refusal instanceof Refusal && refusal.status === 409)) throw refusal
  }
}

/** Lines come over a few seconds, so that there is something to watch. */
export async function playDemo(): Promise<void> {
  const greet = await createCard(DEMO_BOARD.id, {
    title: 'Greet people by their name',
    ticketType: 'feat',
    priority: 'high',
    labels: ['demo'],
  })
  await createCard(DEMO_BOARD.id, { title: 'Write down how to greet', ticketType: 'docs', dependsOn: [greet.id] })
  const attempt = await createAttempt(greet.id, { agent: 'demo-agent', status: 'running' })
  for (const line of LINES) {
    await new Promise((resolve) => setTimeout(resolve, LINE_INTERVAL_MS))
    await appendLog(attempt.id, line)
  }
  await updateAttempt(attempt.id, { status: 'succeeded', exitCode: 0 })
}
