import type { Api } from '../api/api.ts'
import { Refused } from '../api/api-errors.ts'
import { watchAttempt } from '../api/attempt-watch.ts'
import { Attempt, type Card } from '../api/replies.ts'
import { closings, excuses, openings, type Player, thoughts } from './cast.ts'
import { createDesk, type Desk, type PullRequest } from './desk.ts'
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
import { createPace, type Pace } from './pace.ts'
import type { Random } from './random.ts'
import { type Story, slug } from './stories.ts'

/** How an attempt is meant to end; a person who presses stop, or the end of the demo, may think otherwise. */
export type Fate = 'succeeds' | 'fails' | 'is stopped'

export interface Scene {
  readonly api: Api
  readonly boardId: string
  readonly card: Card
  readonly story: Story
  readonly player: Player
  readonly fate: Fate
  readonly random: Random
  readonly speed: number
  /** The end of the demo. */
  readonly signal: AbortSignal
  readonly narrate: (text: string) => void
}

/** How it ended. `interrupted`: somebody else stopped it, or its card or board was taken away. */
export type Ended = { readonly how: Fate | 'interrupted'; readonly pullRequest?: PullRequest }

/** One agent works on one card, from taking it to its end; whatever happens, the attempt does not stay running. */
export async function playAttempt(scene: Scene): Promise<Ended> {
  const { api, boardId, card, player, signal } = scene
  const branch = `${scene.story.type}/${card.ticketKey.toLowerCase()}-${slug(card.title)}`
  const stopped = new AbortController()
  const stop = () => stopped.abort()
  signal.addEventListener('abort', stop, { once: true })
  let unwatch = () => {}
  let attemptId: string | undefined
  try {
    if (card.assignedAgentId !== player.id) {
      await api.send('PATCH', `/cards/${card.id}`, { body: { assignedAgentId: player.id } })
    }
    const { value, eventId } = await api.read(Attempt, 'POST', `/cards/${card.id}/attempts`, {
      body: { agent: player.id, baseBranch: 'main', branchName: branch, status: 'queued' },
    })
    attemptId = value.id
    unwatch = watchAttempt(api, {
      attemptId,
      since: eventId,
      onStatus: (status) => status === 'stopping' && stop(),
    })
    const pace = createPace(scene.speed, stopped.signal)
    await pace.pause(700)
    await patch({ status: 'running' })
    scene.narrate('begins')
    return await work(scene, { branch, pace, attemptId, desk: createDesk(api, boardId, attemptId), patch })
  } catch (error) {
    const takenAway = error instanceof Refused && (error.status === 404 || error.status === 409)
    if (!takenAway && !stopped.signal.aborted) throw error
    if (attemptId !== undefined) await endAsStopped(api, attemptId)
    scene.narrate('is interrupted')
    return { how: 'interrupted' }
  } finally {
    unwatch()
    signal.removeEventListener('abort', stop)
  }

  async function patch(body: object): Promise<void> {
    await api.send('PATCH', `/attempts/${attemptId}`, { body })
  }
}

interface Work {
  readonly attemptId: string
  readonly branch: string
  readonly pace: Pace
  readonly desk: Desk
  readonly patch: (body: object) => Promise<void>
}

async function work(scene: Scene, at: Work): Promise<Ended> {
  const { story, random, fate } = scene
  const { desk, pace, patch } = at
  await settleIn(scene, at)

  for (const [done] of story.todos.entries()) {
    if (fate === 'is stopped' && done === Math.ceil(story.todos.length / 2)) {
      await scene.api.send('POST', `/attempts/${at.attemptId}/stop`)
      await desk.log([{ message: 'received SIGTERM, putting the tools away', level: 'warn', stream: 'stderr' }])
      await patch({ status: 'stopped', exitCode: 143 })
      scene.narrate('is stopped half-way')
      return { how: fate }
    }
    await tickOff(scene, at, done)
  }

  if (fate === 'fails') {
    await runTests(scene, at, story.todos[0].toLowerCase())
    await desk.say('assistant', random.pick(excuses))
    await patch({ status: 'failed', exitCode: 1, error: '1 test failed' })
    scene.narrate('fails: 1 test failed')
    return { how: fate }
  }
  await runTests(scene, at)
  const pullRequest = await deliver(scene, at)
  await desk.say('assistant', random.pick(closings))
  await pace.pause(500)
  await patch({ status: 'succeeded', exitCode: 0 })
  scene.narrate(`succeeds with pull request #${pullRequest.number}`)
  return { how: fate, pullRequest }
}

async function settleIn({ story, card, random }: Scene, { desk, pace, branch }: Work): Promise<void> {
  const worktree = `/srv/trees/${branch.replace('/', '-')}`
  await desk.session(`ses-${card.ticketKey.toLowerCase()}-${random.hex(6)}`, worktree)
  await desk.say('user', story.description === '' ? card.title : `${card.title}\n\n${story.description}`)
  for (const line of setUpLines(branch, random)) {
    await desk.log([line])
    await pace.pause(random.between(120, 500))
  }
  await desk.setUp('npm ci', worktree, random.between(4_000, 9_000))
  await desk.todos(todosOf(story, 0))
  await desk.say('assistant', random.pick(openings).replace('%', `\`${story.files[0]}\``))
  await pace.pause(random.between(500, 1_200))
}

async function tickOff(scene: Scene, { desk, pace, branch }: Work, done: number): Promise<void> {
  const { story, random } = scene
  const file = story.files[done % story.files.length] ?? story.files[0]
  const toolId = `tool-${done}-${random.hex(6)}`
  const command = `grep -rn ${story.labels[0]} ${file}`
  await desk.tool(toolId, { name: 'shell', status: 'running', command })
  await desk.log([searchLine(story, random)])
  await pace.pause(random.between(300, 900))
  await desk.log([readingLine(file, random)])
  await desk.tool(toolId, {
    name: 'shell',
    status: 'succeeded',
    command,
    exitCode: 0,
    durationMs: random.between(12, 160),
  })
  if (done === 1) await desk.think(random.pick(thoughts))
  await pace.pause(random.between(500, 1_500))
  await desk.log(editLines(file, random))
  await desk.changed([file])
  await desk.gitStatus(branch, 0, done + 1)
  await pace.pause(random.between(300, 900))
  await desk.todos(todosOf(story, done + 1))
}

async function runTests({ story, random }: Scene, { desk, pace }: Work, failing?: string): Promise<void> {
  const toolId = `tool-test-${random.hex(6)}`
  const ends =
    failing === undefined
      ? ({ status: 'succeeded', exitCode: 0 } as const)
      : ({ status: 'failed', exitCode: 1 } as const)
  await desk.tool(toolId, { name: 'shell', status: 'running', command: 'npm test' })
  for (const line of [...typeCheckLines(random), ...testLines(story, random, failing)]) {
    await desk.log([line])
    await pace.pause(random.between(100, 450))
  }
  await desk.tool(toolId, { name: 'shell', command: 'npm test', durationMs: random.between(3_000, 14_000), ...ends })
}

async function deliver({ story, random, player, card }: Scene, { desk, pace, branch }: Work): Promise<PullRequest> {
  const subject = `${story.type}(${story.labels[0]}): ${story.subject}`
  const shortSha = random.hex(7)
  await desk.log(commitLines(branch, shortSha, subject))
  await desk.commit(shortSha, subject, player.label)
  await desk.gitStatus(branch, 1, 0)
  await pace.pause(random.between(300, 800))
  if (random.between(1, 5) === 1) {
    await desk.log(pushLines(branch, false))
    await desk.push(branch, 'RPC failed; HTTP 502')
    await pace.pause(900)
  }
  await desk.log(pushLines(branch, true))
  await desk.push(branch)
  await pace.pause(random.between(300, 800))
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
  await desk.pullRequest(pullRequest)
  return pullRequest
}

function todosOf(story: Story, done: number) {
  return story.todos.map((text, at) => ({
    id: `t${at + 1}`,
    text,
    status: at < done ? ('done' as const) : ('open' as const),
  }))
}

/** Whatever state it is in: the first request says "stop" unless somebody did, the second says "stopped" unless it is. */
async function endAsStopped(api: Api, attemptId: string): Promise<void> {
  const patience = { unreachableMs: 1_000, busyMs: 1_000 }
  for (const [method, path, body] of [
    ['POST', `/attempts/${attemptId}/stop`, {}],
    ['PATCH', `/attempts/${attemptId}`, { status: 'stopped', exitCode: 143 }],
  ] as const) {
    try {
      await api.send(method, path, { body, patience })
    } catch {
      // Refused because it is so already or the card is gone, or nobody is there to tell: nothing is left to do.
    }
  }
}
