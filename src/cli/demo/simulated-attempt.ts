import { setTimeout as sleep } from 'node:timers/promises'
import type { Api } from '../api/api.ts'
import { Refused } from '../api/api-errors.ts'
import { watchAttempt } from '../api/attempt-watch.ts'
import { Attempt, type Card } from '../api/responses.ts'
import type { DemoAgent } from './agents.ts'
import { type AttemptClient, createAttemptClient, type PullRequest } from './attempt-client.ts'
import {
  commitLines,
  editLines,
  pushLines,
  readingLine,
  searchLine,
  setUpLines,
  testLines,
  typeCheckLines,
} from './log-text.ts'

import { closings, excuses, openings, thoughts } from './phrases.ts'
import type { Random } from './random.ts'
import { type Story, slug } from './stories.ts'

/** How an attempt will end, unless a person stops it or the demo ends first. */
export type PlannedEnd = 'succeeds' | 'fails' | 'is stopped'

/** Which agent works on which card, and how. */
export interface Assignment {
  readonly api: Api
  readonly boardId: string
  readonly card: Card
  readonly story: Story
  readonly agent: DemoAgent
  readonly plannedEnd: PlannedEnd
  readonly random: Random
  readonly speed: number
  /** Aborts at the end of the demo. */
  readonly signal: AbortSignal
  readonly report: (text: string) => void
}

/** How it ended. `interrupted`: somebody stopped it, or its card or board was deleted. */
export type AttemptEnd = { readonly how: PlannedEnd | 'interrupted'; readonly pullRequest?: PullRequest }

/** Simulates one agent's work on one card. Whatever happens, the attempt does not stay active. */
export async function simulateAttempt(assignment: Assignment): Promise<AttemptEnd> {
  const { api, boardId, card, agent, signal } = assignment
  const branch = `${assignment.story.type}/${card.ticketKey.toLowerCase()}-${slug(card.title)}`
  const stopped = new AbortController()
  const stop = () => stopped.abort()
  signal.addEventListener('abort', stop, { once: true })
  let unwatch = () => {}
  let attemptId: string | undefined
  try {
    if (card.assignedAgentId !== agent.id) {
      await api.send('PATCH', `/cards/${card.id}`, { body: { assignedAgentId: agent.id } })
    }
    const { value, eventId } = await api.read(Attempt, 'POST', `/cards/${card.id}/attempts`, {
      body: { agent: agent.id, baseBranch: 'main', branchName: branch, status: 'queued' },
    })
    attemptId = value.id
    unwatch = watchAttempt(api, {
      attemptId,
      since: eventId,
      onStatus: (status) => status === 'stopping' && stop(),
    })
    const pause = createPause(assignment.speed, stopped.signal)
    await pause(700)
    await patch({ status: 'running' })
    assignment.report('begins')
    return await work(assignment, {
      branch,
      pause,
      attemptId,
      client: createAttemptClient(api, boardId, attemptId),
      patch,
    })
  } catch (error) {
    const isDeletedOrChanged = error instanceof Refused && (error.status === 404 || error.status === 409)
    if (!isDeletedOrChanged && !stopped.signal.aborted) throw error
    if (attemptId !== undefined) await ensureStopped(api, attemptId)
    assignment.report('is interrupted')
    return { how: 'interrupted' }
  } finally {
    unwatch()
    signal.removeEventListener('abort', stop)
  }

  async function patch(body: object): Promise<void> {
    await api.send('PATCH', `/attempts/${attemptId}`, { body })
  }
}

/** Waits for `ms` at normal speed. Rejects with an AbortError when the attempt is stopped. */
type Pause = (ms: number) => Promise<void>

/** A longer timer would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

function createPause(speed: number, signal: AbortSignal): Pause {
  return (ms) => sleep(Math.min(ms / speed, MAX_TIMER_MS), undefined, { signal })
}

interface AttemptContext {
  readonly attemptId: string
  readonly branch: string
  readonly pause: Pause
  readonly client: AttemptClient
  readonly patch: (body: object) => Promise<void>
}

async function work(assignment: Assignment, at: AttemptContext): Promise<AttemptEnd> {
  const { story, random, plannedEnd } = assignment
  const { client, pause, patch } = at
  await setUp(assignment, at)

  for (const [done] of story.todos.entries()) {
    if (plannedEnd === 'is stopped' && done === Math.ceil(story.todos.length / 2)) {
      await assignment.api.send('POST', `/attempts/${at.attemptId}/stop`)
      await client.log([{ message: 'received SIGTERM, shutting down', level: 'warn', stream: 'stderr' }])
      await patch({ status: 'stopped', exitCode: 143 })
      assignment.report('is stopped half-way')
      return { how: plannedEnd }
    }
    await workOnTodo(assignment, at, done)
  }

  if (plannedEnd === 'fails') {
    await runTests(assignment, at, story.todos[0].toLowerCase())
    await client.say('assistant', random.pick(excuses))
    await patch({ status: 'failed', exitCode: 1, error: '1 test failed' })
    assignment.report('fails: 1 test failed')
    return { how: plannedEnd }
  }
  await runTests(assignment, at)
  const pullRequest = await deliver(assignment, at)
  await client.say('assistant', random.pick(closings))
  await pause(500)
  await patch({ status: 'succeeded', exitCode: 0 })
  assignment.report(`succeeds with pull request #${pullRequest.number}`)
  return { how: plannedEnd, pullRequest }
}

async function setUp({ story, card, random }: Assignment, { client, pause, branch }: AttemptContext): Promise<void> {
  const worktree = `/srv/trees/${branch.replace('/', '-')}`
  await client.session(`ses-${card.ticketKey.toLowerCase()}-${random.hex(6)}`, worktree)
  await client.say('user', story.description === '' ? card.title : `${card.title}\n\n${story.description}`)
  for (const line of setUpLines(branch, random)) {
    await client.log([line])
    await pause(random.between(120, 500))
  }
  await client.setUp('npm ci', worktree, random.between(4_000, 9_000))
  await client.todos(todosOf(story, 0))
  await client.say('assistant', random.pick(openings).replace('%', `\`${story.files[0]}\``))
  await pause(random.between(500, 1_200))
}

async function workOnTodo(
  assignment: Assignment,
  { client, pause, branch }: AttemptContext,
  done: number,
): Promise<void> {
  const { story, random } = assignment
  const file = story.files[done % story.files.length] ?? story.files[0]
  const toolId = `tool-${done}-${random.hex(6)}`
  const command = `grep -rn ${story.labels[0]} ${file}`
  await client.tool(toolId, { name: 'shell', status: 'running', command })
  await client.log([searchLine(story, random)])
  await pause(random.between(300, 900))
  await client.log([readingLine(file, random)])
  await client.tool(toolId, {
    name: 'shell',
    status: 'succeeded',
    command,
    exitCode: 0,
    durationMs: random.between(12, 160),
  })
  if (done === 1) await client.think(random.pick(thoughts))
  await pause(random.between(500, 1_500))
  await client.log(editLines(file, random))
  await client.changed([file])
  await client.gitStatus(branch, 0, done + 1)
  await pause(random.between(300, 900))
  await client.todos(todosOf(story, done + 1))
}

async function runTests(
  { story, random }: Assignment,
  { client, pause }: AttemptContext,
  failing?: string,
): Promise<void> {
  const toolId = `tool-test-${random.hex(6)}`
  const ends =
    failing === undefined
      ? ({ status: 'succeeded', exitCode: 0 } as const)
      : ({ status: 'failed', exitCode: 1 } as const)
  await client.tool(toolId, { name: 'shell', status: 'running', command: 'npm test' })
  for (const line of [...typeCheckLines(random), ...testLines(story, random, failing)]) {
    await client.log([line])
    await pause(random.between(100, 450))
  }
  await client.tool(toolId, { name: 'shell', command: 'npm test', durationMs: random.between(3_000, 14_000), ...ends })
}

async function deliver(
  { story, random, agent, card }: Assignment,
  { client, pause, branch }: AttemptContext,
): Promise<PullRequest> {
  const subject = `${story.type}(${story.labels[0]}): ${story.subject}`
  const shortSha = random.hex(7)
  await client.log(commitLines(branch, shortSha, subject))
  await client.commit(shortSha, subject, agent.label)
  await client.gitStatus(branch, 1, 0)
  await pause(random.between(300, 800))
  if (random.between(1, 5) === 1) {
    await client.log(pushLines(branch, false))
    await client.push(branch, 'RPC failed; HTTP 502')
    await pause(900)
  }
  await client.log(pushLines(branch, true))
  await client.push(branch)
  await pause(random.between(300, 800))
  const number = Number(/\d+$/.exec(card.ticketKey)?.[0] ?? 0) + 400
  const pullRequest: PullRequest = {
    number,
    url: `https://git.example.com/harbour/shop/pull/${number}`,
    state: 'open',
    draft: false,
    title: subject,
    headRef: branch,
    baseRef: 'main',
  }
  await client.pullRequest(pullRequest)
  return pullRequest
}

function todosOf(story: Story, done: number) {
  return story.todos.map((text, at) => ({
    id: `t${at + 1}`,
    text,
    status: at < done ? ('done' as const) : ('open' as const),
  }))
}

/** Stops the attempt, whatever its status: requests a stop, then reports that it has stopped. */
async function ensureStopped(api: Api, attemptId: string): Promise<void> {
  const patience = { unreachableMs: 1_000, busyMs: 1_000 }
  for (const [method, path, body] of [
    ['POST', `/attempts/${attemptId}/stop`, {}],
    ['PATCH', `/attempts/${attemptId}`, { status: 'stopped', exitCode: 143 }],
  ] as const) {
    try {
      await api.send(method, path, { body, patience })
    } catch {
      // The attempt already has that status or is deleted, or the server is down: nothing is left to do.
    }
  }
}
