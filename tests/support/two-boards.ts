/**
 * The world of a property: two tokens, each with a board, an agent and a topic of its own, and the traffic of both. What the
 * holder of the first sees is kept as text without ids and times.
 */

import type { TestServer } from './server.ts'
import { SocketClient } from './socket.ts'
import { SocketIoClient } from './socketio.ts'
import { type Listener, listen } from './stream.ts'
import { actingAs, bearer, tokenFor } from './tokens.ts'

export const WORK = [
  'card',
  'move',
  'edit',
  'attempt',
  'finish',
  'lines',
  'topic',
  'mail',
  'register',
  'profile',
  'session',
] as const

export interface Step {
  readonly who: 'own' | 'foreign'
  readonly work: (typeof WORK)[number] | 'cut' | 'join'
  readonly n: number
}

/** One of the two, who works by the routes. */
export class Party {
  readonly token: string
  readonly #name: string
  readonly #api: ReturnType<typeof actingAs>
  readonly #cards: string[] = []
  readonly #attempts: string[] = []
  #columns: string[] = []

  private constructor(server: TestServer, name: string, token: string) {
    this.#name = name
    this.token = token
    this.#api = actingAs(server, token)
  }

  /** Its board exists, with a card. */
  static async start(server: TestServer, name: string): Promise<Party> {
    const channels = [`board:${name}`, `project:${name}`, `agent:${name}`, `topic:${name}`, `session:${name}`]
    const party = new Party(server, name, await tokenFor([...channels, 'dashboard'], channels, { sub: name }))
    const board = await party.#api.post<{ columns: Array<{ id: string }> }>('/boards', { id: name, name })
    party.#columns = board.columns.map(({ id }) => id)
    await party.do('card', 0)
    return party
  }

  /** Rules may refuse it; they refuse it in every world. Resolves to the id of its last event. */
  async do(work: (typeof WORK)[number], n: number): Promise<string> {
    const name = this.#name
    const card = this.#cards[n % this.#cards.length] ?? ''
    const attempt = this.#attempts[n % Math.max(1, this.#attempts.length)] ?? 'att_none'
    switch (work) {
      case 'card':
        return this.#create(this.#cards, `/boards/${name}/cards`, { title: `card ${n}` })
      case 'move':
        return this.#call('POST', `/cards/${card}/move`, {
          columnId: this.#columns[n % this.#columns.length],
          index: 0,
        })
      case 'edit':
        return this.#call('PATCH', `/cards/${card}`, { title: `edited ${n}`, assignedAgentId: n % 2 ? name : null })
      case 'attempt':
        return this.#create(this.#attempts, `/cards/${card}/attempts`, { agent: name, status: 'running' })
      case 'finish':
        return this.#call('PATCH', `/attempts/${attempt}`, { status: n % 2 ? 'succeeded' : 'failed' })
      case 'lines':
        return this.#call('POST', `/attempts/${attempt}/logs`, { lines: [{ message: `line ${n}` }, { message: 'x' }] })
      case 'topic':
        return this.#call('POST', `/topics/${name}/events`, { event: 'posted', data: { n } })
      case 'mail':
        return this.#call('POST', '/messages', { from_agent: name, to_agent: name, content: `mail ${n}` })
      case 'register':
        return this.#call('POST', '/agents', { id: name, label: `label ${n}` })
      case 'profile':
        return this.#call('POST', '/agent-profiles', { agent: name, name: `p${n}`, boardId: n % 2 ? name : null })
      case 'session':
        return this.#call('POST', '/sessions', { id: name, agentId: name })
    }
  }

  /** A card that nothing else is called like, so that it can be waited for. */
  last(): Promise<string> {
    return this.#call('POST', `/boards/${this.#name}/cards`, { title: 'the last card' })
  }

  async #create(made: string[], path: string, body: object): Promise<string> {
    const { body: answer, eventId } = await this.#api.call<{ id?: string }>('POST', path, body)
    if (answer.id) made.push(answer.id)
    return eventId
  }

  async #call(method: string, path: string, body: object): Promise<string> {
    const { status, eventId, body: answer } = await this.#api.call(method, path, body)
    if (status >= 500) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`)
    return eventId
  }
}

const STREAMS = (name: string) => [
  `/sse?boardId=${name}&view=diff`,
  `/sse?boardId=${name}`,
  '/sse',
  `/sse?channels=dashboard,board:${name},project:${name},agent:${name},topic:${name},session:${name}`,
]
const JOINED = (name: string) => [`board:${name}`, `project:${name}`, `agent:${name}`, `topic:${name}`, 'dashboard']

interface Seen {
  readonly event: string
  readonly text: string
}

/** A stream that is cut and resumed. */
interface Ear {
  readonly path: string
  /** Of the connections before. */
  readonly seen: Seen[]
  listener: Listener | null
  cursor: string | undefined
}

/**
 * Everything of the first party that stays open: streams that are cut and resumed, and a socket and a client of Socket.IO
 * that join and leave.
 */
export class Watching implements AsyncDisposable {
  readonly #server: TestServer
  readonly #party: Party
  readonly #name: string
  readonly #ears: readonly Ear[]
  readonly #socket: SocketClient
  readonly #client: SocketIoClient
  readonly #held = new Set<string>()

  private constructor(
    server: TestServer,
    party: Party,
    name: string,
    sockets: readonly [SocketClient, SocketIoClient],
  ) {
    this.#server = server
    this.#party = party
    this.#name = name
    ;[this.#socket, this.#client] = sockets
    this.#ears = STREAMS(name).map((path) => ({ path, seen: [], listener: null, cursor: undefined }))
  }

  static async start(server: TestServer, party: Party, name: string): Promise<Watching> {
    const { token } = party
    const socket = await SocketClient.open(server.url, `/ws?channels=topic:${name}`, { headers: bearer(token) })
    const client = await SocketIoClient.open(server.url, ['websocket'], { auth: { token } })
    const watching = new Watching(server, party, name, [socket, client])
    for (const [index] of STREAMS(name).entries()) await watching.cutOrResume(index)
    await socket.first('hello', ({ event }) => event === 'hello')
    return watching
  }

  async cutOrResume(n: number): Promise<void> {
    const ear = this.#ears[n % this.#ears.length]
    if (!ear) return
    if (ear.listener) {
      await this.#cut(ear)
      return
    }
    // An empty cursor counts as none.
    const headers = { ...bearer(this.#party.token), 'Last-Event-ID': ear.cursor ?? '' }
    const listener = await listen(this.#server.url, ear.path, { headers })
    await listener.until('an id to resume from', () => listener.lastEventId)
    ear.listener = listener
  }

  /** Joins a channel, from its snapshot or after an id, or leaves it. */
  async joinOrLeave(n: number, since: string): Promise<void> {
    const channel = JOINED(this.#name)[n % JOINED(this.#name).length] ?? ''
    const isHeld = this.#held.delete(channel)
    if (!isHeld) this.#held.add(channel)
    const type = isHeld ? 'unsubscribe' : 'subscribe'
    const asked = { channel, ...(n % 2 && !isHeld && { since }) }
    const answers = [await this.#socket.ask({ type, ...asked }), await this.#client.ask(type, asked)]
    if (answers.some(({ success }) => success !== true)) throw new Error(`${channel} could not be joined or left`)
  }

  /** What was seen on each connection up to the last card, without ids and times, one text for each event. */
  async end(): Promise<string[][]> {
    for (const [index, ear] of this.#ears.entries()) if (!ear.listener) await this.cutOrResume(index)
    if (!this.#held.has(`board:${this.#name}`)) await this.joinOrLeave(0, '')
    const id = await this.#party.last()
    const [diff, full, dashboard, channels] = this.#ears.map(({ listener }) => listener)
    await diff?.id(id)
    await channels?.id(id)
    const isLast = ({ text }: { text: string }) => text.includes('the last card')
    await full?.until('the last state', () => full.named('state').some(isLast))
    const cards = Object.keys((await full?.frame('state', full.frames.findIndex(isLast)))?.data.cards).length
    const hasCounts = (text: string) => text.includes(`"totalCards":${cards},`)
    const counts = (seen: Listener | undefined | null) =>
      seen?.named('dashboard_overview').some(({ text }) => hasCounts(text))
    await dashboard?.until('the last overview', () => counts(dashboard))
    await channels?.until('the last overview', () => counts(channels))
    for (const [socket, heard] of [
      [this.#socket, () => this.#onSocket()],
      [this.#client, () => this.#onSocketIo()],
    ] as const) {
      await socket.until(() => heard().some(({ text }) => text.includes(id)))
      if (this.#held.has('dashboard')) await socket.until(() => heard().some(({ text }) => hasCounts(text)))
    }
    for (const ear of this.#ears) await this.#cut(ear)
    const anonymous = anonymizer()
    const all = [...this.#ears.map(({ seen }) => seen), this.#onSocket(), this.#onSocketIo()]
    return all.map((seen) => withoutRhythm(seen).map(anonymous))
  }

  #onSocket(): Seen[] {
    return this.#socket.messages.map((message) => ({
      event: message.event ?? message.type,
      text: JSON.stringify(message),
    }))
  }

  #onSocketIo(): Seen[] {
    return this.#client.messages.map((message) => ({ event: message.type, text: JSON.stringify(message) }))
  }

  async #cut(ear: Ear): Promise<void> {
    const { listener } = ear
    if (!listener) return
    await listener[Symbol.asyncDispose]()
    ear.cursor = listener.lastEventId
    ear.seen.push(...listener.frames)
    ear.listener = null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { listener } of this.#ears) listener?.close()
    this.#socket.websocket.terminate()
    await this.#client[Symbol.asyncDispose]()
  }
}

const SNAPSHOTS = ['state', 'dashboard_overview']
const CONTROL = ['hello', 'heartbeat', 'connected']

/**
 * Leaves out what depends on how fast things happen: of several snapshots only the last is compared, and lines of output
 * are joined to one batch.
 */
function withoutRhythm(seen: readonly Seen[]): string[] {
  const texts: string[] = []
  for (const { event, text } of seen) {
    if (CONTROL.includes(event) || SNAPSHOTS.includes(event)) continue
    if (event !== 'output_batch') texts.push(`${event} ${text}`)
    else for (const [line] of text.matchAll(/"line \d+"|"x"/g)) texts.push(`${event} ${line}`)
  }
  for (const name of SNAPSHOTS) {
    const last = seen.findLast(({ event }) => event === name)
    if (last) texts.push(`${name} ${last.text}`)
  }
  return texts
}

/** Replaces times, and ids by the order in which they are first seen. */
function anonymizer(): (text: string) => string {
  const known = new Map<string, string>()
  const numbered = (id: string) => {
    const number = known.get(id) ?? `#${known.size}`
    known.set(id, number)
    return number
  }
  return (text) =>
    text
      .replaceAll(/"[0-9a-f]{8}-\d+"/g, '"ID"')
      .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME')
      .replaceAll(/(elapsedSeconds|durationSeconds)":\d+/g, '$1":0')
      .replaceAll(/\b\d{13}\b/g, 'MS')
      .replaceAll(/\bask-\d+/g, 'ASK')
      .replaceAll(/\w*[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, numbered)
}
