/** Text that some readers split into lines, on every transport. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { besideServer } from '../support/beside.ts'
import { appendLines, makeAttempt, makeBoard, makeCard } from '../support/board.ts'
import { hasProgram } from '../support/programs.ts'
import { RawSocket } from '../support/raw-socket.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { Listener, listen } from '../support/stream.ts'

const run = promisify(execFile)

/** Characters at which Python's str.splitlines ends a line, except LF and CR. */
const SEPARATORS = ['\v', '\f', '\x1c', '\x1d', '\x1e', '\u0085', '\u2028', '\u2029']
/** A text that forges an event for readers that end lines at any of them. */
const FORGERY = SEPARATORS.map((char) => `${char}${char}event: forged${char}data: 1${char}${char}`).join('')
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not leave.
const RAW = /[\v\f\x1c-\x1e\u0085\u2028\u2029]/

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ hasSocketIo: true })
})
afterAll(() => server[Symbol.asyncDispose]())

/** A board with the forged text in every text field. */
async function makeForged() {
  const board = await makeBoard(server)
  await server.call('PATCH', `/boards/${board.id}`, { name: FORGERY })
  const card = await makeCard(server, board.id, { title: FORGERY })
  const attempt = await makeAttempt(server, card.id)
  return { boardId: board.id, topic: board.id, card, attempt }
}

/** Posts the forged text to every channel; resolves to the id of the last event, which goes to everyone. */
async function happen({ topic, card, attempt }: Awaited<ReturnType<typeof makeForged>>): Promise<string> {
  await server.call('PATCH', `/cards/${card.id}`, { description: FORGERY })
  await server.post(`/topics/${topic}/events`, { event: 'said', data: { [FORGERY]: FORGERY } })
  await appendLines(server, attempt.id, [FORGERY, FORGERY])
  return (await server.post('/agents', { id: `${topic}-${Math.random()}`, label: FORGERY })).eventId
}

describe('line separators on streams', () => {
  it('[S15] are sent as escapes, live and replayed, and decode to the original text', async () => {
    const forged = await makeForged()
    await happen(forged)
    const { boardId, card, attempt, topic } = forged
    const paths = {
      full: `/sse?boardId=${boardId}`,
      diff: `/sse?boardId=${boardId}&view=diff`,
      channels: `/sse?channels=board:${boardId};full,attempt:${attempt.id},issue:${card.id},topic:${topic}`,
      agent: `/sse?channels=agent:${attempt.agent}`,
      global: '/sse?channels=global',
      dashboard: '/sse?',
    }
    for (const since of ['', '&since=earliest']) {
      const open = async (path: string) => listen(server.url, path + since)
      const full = await open(paths.full)
      const diff = await open(paths.diff)
      const channels = await open(paths.channels)
      const agent = await open(paths.agent)
      const global = await open(paths.global)
      const dashboard = await open(paths.dashboard)
      const listeners = [full, diff, channels, agent, global, dashboard]
      const last = await happen(forged)
      for (const listener of listeners) {
        await listener.id(last)
        expect(listener.body).not.toMatch(RAW)
        expect(listener.frames.map(({ event }) => event)).not.toContain('forged')
      }
      expect((await full.frame('state')).data.cards[card.id].title).toBe(FORGERY)
      expect(diff.named('attempt_log')[0]?.data.message).toBe(FORGERY)
      expect(channels.named('said')[0]?.data.data).toEqual({ [FORGERY]: FORGERY })
      expect(agent.named('output_batch')[0]?.data.data.lines.slice(0, 2)).toEqual([FORGERY, FORGERY])
      expect(global.named('said')[0]?.data.data).toEqual({ [FORGERY]: FORGERY })
      for (const listener of listeners) listener.close()
    }
  })

  it('[S15] are sent as escapes in a gap, which repeats the request', async () => {
    await using listener = new Listener(server.url, `/sse?lastEventId=${encodeURIComponent(FORGERY)}`)
    const gap = await listener.frame('gap')
    expect(listener.body).not.toMatch(RAW)
    expect(gap.data.requested).toBe(FORGERY)
  })

  it('[S15] that an earlier version stored are sent as escapes too', async () => {
    await using own = await startTestServer()
    const card = await makeCard(own, (await makeBoard(own, 'old')).id)
    const attempt = await makeAttempt(own, card.id)
    await appendLines(own, attempt.id, [FORGERY])
    await own.close()
    await besideServer(own.dbPath, async (sql) => {
      const rows = await sql.all<{ seq: number; data: string }>('SELECT seq, data FROM events')
      const forged = rows.filter(({ data }) => data.includes('forged'))
      expect(forged).toHaveLength(1)
      for (const { seq, data } of forged) {
        const raw = JSON.stringify(JSON.parse(data))
        expect(raw).not.toBe(data)
        await sql.run('UPDATE events SET data = ? WHERE seq = ?', [raw, seq])
      }
    })
    await own.restart()
    for (const path of ['/sse?boardId=old&view=diff', `/sse?channels=agent:${attempt.agent}`, '/sse?channels=global']) {
      await using listener = await listen(own.url, `${path}${path.includes('?') ? '&' : '?'}since=earliest`)
      await listener.until('the line', () => listener.body.includes('forged'))
      expect(listener.body).not.toMatch(RAW)
      expect(listener.body).toContain(JSON.stringify(SEPARATORS[0]).slice(1, -1))
    }
    const { events } = await own.get<{ events: Array<{ event: string; data: { message?: string } }> }>(
      `/events?channels=attempt:${attempt.id}`,
    )
    expect(events.map(({ data }) => data.message).filter((message) => message !== undefined)).toEqual([FORGERY])
  })
})

describe('line separators on sockets', () => {
  it.each(['/ws?boardId=', '/ws?boardId=&view=diff'])('[S15] are sent as escapes by %s', async (path) => {
    const { boardId } = await makeForged()
    await using peer = await RawSocket.open(server.url, path.replace('boardId=', `boardId=${boardId}`))
    const id = FORGERY.slice(0, 100)
    peer.send({ type: 'create_card', id, payload: { columnId: 'none', title: FORGERY } })
    peer.send({ type: FORGERY, id: `2${id}`.slice(0, 100) })
    peer.send(`{"type": ${FORGERY}`)
    const acks = await peer.until('two acks and an error', () => {
      const acks = peer.messages.filter(({ type }) => type === 'ack')
      return acks.length === 2 && peer.messages.some(({ type }) => type === 'error') && acks
    })
    await server.call('PATCH', `/boards/${boardId}`, { description: FORGERY })
    await peer.until('the event', () => peer.texts.find((text) => text.includes('board_updated')))
    expect(acks[0]?.payload.id).toBe(id)
    expect(peer.texts.join('\n')).not.toMatch(RAW)
  })

  it('[S15] are sent as escapes by channel sockets, in events, acknowledgements and errors', async () => {
    const forged = await makeForged()
    await using peer = await RawSocket.open(server.url, '/ws')
    const id = FORGERY.slice(0, 100)
    peer.send({ type: 'subscribe', id, channel: `topic:${forged.topic}` })
    await peer.until('the acknowledgement', () => peer.messages.find((message) => message.id === id))
    peer.send({ type: 'subscribe', channel: `topic:${FORGERY}` })
    peer.send({ type: 'subscribe', channel: 'agent:x', since: FORGERY })
    peer.send({ type: FORGERY })
    peer.send({ type: 'publish', channel: `topic:${forged.topic}`, event: FORGERY, data: {} })
    peer.send({ type: 'ping', timestamp: FORGERY })
    peer.send(`{"type": ${FORGERY}`)
    await peer.until('four errors', () => peer.messages.filter(({ type }) => type === 'error').length >= 4)
    peer.send({ type: 'publish', channel: `topic:${forged.topic}`, event: 'said', data: { text: FORGERY } })
    await peer.until('the event', () => peer.messages.find(({ event }) => event === 'said'))
    await happen(forged)
    await peer.until('the last event', () => peer.messages.find(({ event }) => event === 'agent.registered'))
    expect(peer.texts.join('\n')).not.toMatch(RAW)
  })

  it('[S15] are sent as escapes by Socket.IO, in events, acknowledgements and errors', async () => {
    const forged = await makeForged()
    const packets: string[] = []
    const peer = new WebSocket(`${server.url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`)
    onTestFinished(() => peer.terminate())
    const ask = (number: number, ...asked: unknown[]) => peer.send(`42${number}${JSON.stringify(asked)}`)
    const until = (what: string) => expect.poll(() => packets.join('\n'), { timeout: 15_000 }).toContain(what)
    peer.on('message', (data) => packets.push(String(data)))
    await until('0{')
    peer.send('40')
    await until('"hello"')
    ask(1, 'subscribe', `topic:${forged.topic}`)
    ask(2, 'subscribe', `topic:${FORGERY}`)
    ask(3, 'subscribe', { channel: 'agent:x', since: FORGERY })
    ask(4, FORGERY, FORGERY)
    peer.send(`42${JSON.stringify(['subscribe', `topic:${FORGERY}`])}`)
    for (const answer of ['431[', '432[', '433[', '434[', '42["error"', '"gap"']) await until(answer)
    await happen(forged)
    await until('"agent_registered"')
    expect(packets.join('\n')).toContain('"said"')
    expect(packets.join('\n')).not.toMatch(RAW)
  })
})

const PYTHON = `
import json, sys, urllib.request
frames, frame = [], {}
with urllib.request.urlopen(sys.argv[1]) as answer:
    for line in answer.read().decode().splitlines():
        if line:
            name, value = line.split(': ', 1)
            frame[name] = value
        elif frame:
            frames.append([frame['event'], json.loads(frame['data'])])
            frame = {}
print(json.dumps(frames))
`

describe.skipIf(!hasProgram('python3'))('Python’s str.splitlines', () => {
  it('[S15] finds no event that a title forged', async () => {
    const { boardId, card } = await makeForged()
    const { stdout } = await run('python3', [
      '-c',
      PYTHON,
      `${server.url}/sse?boardId=${boardId}&view=diff&since=earliest&limit=2&types=board_*,card_*`,
    ])
    const frames: Array<[string, { card?: { title: string } }]> = JSON.parse(stdout)
    expect(frames.map(([event]) => event)).toEqual(['hello', 'board_updated', 'card_created'])
    expect(frames[2]?.[1].card).toMatchObject({ id: card.id, title: FORGERY })
  })
})
