/** Socket.IO, with the library's client and with raw sockets. Rules SIO1 to SIO13. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import type { io as connect } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { makeBoard, stats } from '../support/board.ts'
import { ChildServer } from '../support/child-server.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { type SocketIoAck, SocketIoClient, type Transport } from '../support/socketio.ts'

const TRANSPORTS: Transport[][] = [['websocket'], ['polling'], ['polling', 'websocket']]
const LISTED = 'https://board.example'
const KIB = 1_024

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ hasSocketIo: true, corsOrigins: [LISTED] })
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (topic: string, data: unknown) => server.post(`/topics/${topic}/events`, { event: 'said', data })

/** A connection to the engine without the library's client: packets are sent and received as text. */
async function rawConnection(url = server.url, options: ConstructorParameters<typeof WebSocket>[2] = {}) {
  const peer = new WebSocket(`${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`, options)
  const packets: string[] = []
  const seen = new Promise<void>((resolve) => {
    peer.on('message', (data) => {
      packets.push(String(data))
      if (String(data).startsWith('0{')) peer.send('40')
      if (String(data).startsWith('40{')) resolve()
    })
  })
  const closed = new Promise<number>((resolve) => peer.on('close', resolve))
  peer.on('error', () => undefined)
  onTestFinished(() => peer.terminate())
  return { peer, packets, closed, joined: Promise.race([seen, closed]) }
}

describe('switched off', () => {
  it('[SIO1] is 404, with a sentence that names the setting', async () => {
    await using off = await startTestServer()
    for (const path of ['/socket.io/?EIO=4&transport=polling', '/socket.io/', '/socket.io/x']) {
      const answer = await fetch(off.url + path)
      expect([answer.status, (await answer.json()) as object]).toEqual([
        404,
        expect.objectContaining({ code: 'not_found', detail: expect.stringContaining('BOARDCAST_SOCKETIO=1') }),
      ])
    }
    for (const transports of TRANSPORTS) {
      await using client = await SocketIoClient.open(off.url, transports)
      expect(client.failures).toHaveLength(1)
    }
  })

  it.each([
    ['0', 0],
    ['1', 1],
  ] as const)('[SIO1] with BOARDCAST_SOCKETIO=%s the library is loaded %i times', async (setting, times) => {
    const folder = mkdtempSync(join(tmpdir(), 'boardcast-loaded-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    // Node calls the hook for every module before loading it.
    writeFileSync(
      join(folder, 'hook.mjs'),
      `import { appendFileSync } from 'node:fs'
       export async function load(url, context, next) {
         appendFileSync(${JSON.stringify(join(folder, 'loaded'))}, url + '\\n')
         return next(url, context)
       }`,
    )
    writeFileSync(
      join(folder, 'register.mjs'),
      `import { register } from 'node:module'
       register(${JSON.stringify(pathToFileURL(join(folder, 'hook.mjs')).href)})`,
    )
    await using child = await ChildServer.start({
      BOARDCAST_SOCKETIO: setting,
      NODE_OPTIONS: `--import ${pathToFileURL(join(folder, 'register.mjs')).href}`,
    })
    expect((await fetch(`${child.url}/health`)).status).toBe(200)
    expect((await fetch(`${child.url}/socket.io/?EIO=4&transport=polling`)).status).toBe(times === 1 ? 200 : 404)
    const loaded = readFileSync(join(folder, 'loaded'), 'utf8').split('\n')
    expect(loaded.some((url) => url.includes('/node_modules/ws/'))).toBe(true)
    expect(loaded.filter((url) => url.endsWith('/node_modules/socket.io/wrapper.mjs'))).toHaveLength(times)
    expect(loaded.some((url) => /node_modules\/(engine\.io|socket\.io)/.test(url))).toBe(times === 1)
  })
})

describe.each(TRANSPORTS.map((transports) => ({ transports })))('over $transports', ({ transports }) => {
  it('[SIO2] connects, and upgrades if it may', async () => {
    await using client = await SocketIoClient.open(server.url, transports)
    expect(client.failures).toEqual([])
    await client.until(() => client.transport === transports.at(-1))
    expect((await stats(server)).connections.socketio).toBeGreaterThan(0)
  })

  it('[SIO3] [SIO6] begins with hello, and receives no event before it subscribes', async () => {
    await using client = await SocketIoClient.open(server.url, transports)
    await client.until(() => client.named('hello').length === 1)
    expect(client.messages[0]).toEqual({
      type: 'hello',
      channel: '*',
      id: expect.stringMatching(/^[0-9a-f]{8}-\d+$/),
      data: expect.objectContaining({ resumed: false, heartbeatMs: 15_000 }),
    })
    await post('quiet', 1)
    const { eventId } = await server.post('/agents', { id: `told-${transports.join('-')}`, label: null })
    await client.until(() => client.messages.at(-1)?.id === eventId)
    expect(client.messages.map(({ type, channel }) => [type, channel])).toEqual([
      ['hello', '*'],
      ['agent_registered', '*'],
    ])
  })

  it('[SIO4] [SIO5] [SIO6] receives events from joining to leaving a channel', async () => {
    await using client = await SocketIoClient.open(server.url, transports)
    const topic = `t-${transports.join('-')}`
    expect(await client.ask('subscribe', `topics/${topic}`)).toEqual({ success: true, channel: `topic:${topic}` })
    const { eventId } = await post(topic, { text: 'line\nbreak \u{1F680}' })
    await client.until(() => client.named('said').length === 1)
    expect(client.named('said')).toEqual([
      { type: 'said', channel: `topic:${topic}`, id: eventId, actor: null, data: { text: 'line\nbreak \u{1F680}' } },
    ])
    expect(await client.ask('unsubscribe', `topic:${topic}`)).toEqual({ success: true, channel: `topic:${topic}` })
    expect(await client.ask('unsubscribe', { channel: `topic:${topic}` })).toMatchObject({ success: true })
    await post(topic, 'unheard')
    await client.ask('subscribe', 'topic:other')
    const last = await post('other', 'heard')
    await client.until(() => client.messages.at(-1)?.id === last.eventId)
    expect(client.named('said').map(({ data }) => data)).toEqual([{ text: 'line\nbreak \u{1F680}' }, 'heard'])
  })

  it('[SIO4] [SIO5] may join without an acknowledgement: the snapshot is the first message', async () => {
    const { id } = await makeBoard(server)
    await using client = await SocketIoClient.open(server.url, transports)
    client.socket.emit('subscribe', `board:${id};full`)
    await client.until(() => client.named('state').length === 1)
    await server.post(`/boards/${id}/cards`, { title: 'Card' })
    await client.until(() => client.named('state').length === 2)
    const { state } = await server.get<{ state: object }>(`/boards/${id}`)
    expect(client.named('state')[1]).toMatchObject({ channel: `board:${id}`, data: state })
    expect(client.errors).toEqual([])
  })

  it('[SIO5] [SIO8] reports refusals in the acknowledgement or as an error', async () => {
    await using client = await SocketIoClient.open(server.url, transports)
    const wrong = [
      [['subscribe', 'no channel'], 'INVALID_CHANNEL'],
      [['subscribe', 'board:none'], 'INVALID_CHANNEL'],
      [['subscribe', 7], 'INVALID_MESSAGE'],
      [['subscribe', { since: 'x' }], 'INVALID_MESSAGE'],
      [['unsubscribe', null], 'INVALID_MESSAGE'],
      [['publish', { channel: 'topic:t', event: 'x' }], 'UNKNOWN_MESSAGE_TYPE'],
      [['error', 'x'], 'UNKNOWN_MESSAGE_TYPE'],
    ] as const
    for (const [[event, asked], code] of wrong) {
      const refusal = { error: expect.any(String), message: expect.stringMatching(/\.$/), code }
      expect(await client.ask(event, asked)).toEqual({ success: false, ...refusal })
      client.socket.emit(event, asked)
      await client.until(() => client.errors.length === 1)
      expect(client.errors.pop()).toEqual(refusal)
    }
    expect(client.socket.connected).toBe(true)
  })

  it('[SIO7] comes back after cuts with its last id, and misses nothing', async () => {
    const topic = `cut-${transports.join('-')}`
    const { cursor } = await server.get<{ cursor: string }>('/cursor')
    const seen: unknown[] = []
    let since = cursor
    for (let round = 0; round < 5; round++) {
      const posting = (async () => {
        for (let n = 0; n < 20; n++) await post(topic, round * 20 + n)
      })()
      await using client = await SocketIoClient.open(server.url, transports)
      await client.ask('subscribe', { channel: `topic:${topic}`, since })
      // The last connection stays until everything has arrived. The others are cut before.
      const target = round === 4 ? 100 : seen.length + 5 + round
      await client.until(() => seen.length + client.named('said').length >= target)
      const got = client.named('said')
      seen.push(...got.map(({ data }) => data))
      since = got.at(-1)?.id ?? since
      await client[Symbol.asyncDispose]()
      await posting
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, n) => n))
  })

  it('[SIO7] may use the id of hello as its first cursor, and misses nothing before the acknowledgement', async () => {
    const topic = `first-${transports.join('-')}`
    await post(topic, 'before the connection')
    await using client = await SocketIoClient.open(server.url, transports)
    await client.until(() => client.named('hello').length === 1)
    await post(topic, 'after hello')
    await client.ask('subscribe', { channel: `topic:${topic}`, since: client.named('hello')[0]?.id })
    await post(topic, 'live')
    await client.until(() => client.named('said').some(({ data }) => data === 'live'))
    expect(client.named('said').map(({ data }) => data)).toEqual(['after hello', 'live'])
  })

  it('[SIO7] [W27] repeats events to everyone from before the acknowledgement', async () => {
    const topic = `everyone-${transports.join('-')}`
    const { eventId: since } = await post(topic, 'seen')
    await using client = await SocketIoClient.open(server.url, transports)
    await client.until(() => client.named('hello').length === 1)
    const early = await server.post('/agents', { id: `early-${topic}`, label: 'Early' })
    await client.until(() => client.messages.at(-1)?.id === early.eventId)
    const before = client.messages.length
    await client.ask('subscribe', { channel: `topic:${topic}`, since })
    const { eventId } = await post(topic, 'live')
    await client.until(() => client.messages.at(-1)?.id === eventId)
    expect(client.messages.slice(before).map(({ id }) => id)).toEqual([early.eventId, eventId])
  })

  it('[SIO4] answers a since that it cannot resume from with the acknowledgement, a gap, the snapshot', async () => {
    const { id } = await makeBoard(server)
    await using client = await SocketIoClient.open(server.url, transports)
    expect(await client.ask('subscribe', { channel: `board:${id}`, since: '00000000-1' })).toMatchObject({
      success: true,
    })
    await client.until(() => client.named('state').length === 1)
    expect(client.messages.map(({ type, channel }) => [type, channel])).toEqual([
      ['hello', '*'],
      ['gap', '*'],
      ['state', `board:${id}`],
    ])
    expect(client.named('gap')[0]?.data).toMatchObject({ requested: '00000000-1', reason: 'epoch' })
  })

  it('[SIO9] limits the rate to ten messages a second', async () => {
    await using client = await SocketIoClient.open(server.url, transports)
    const answers = await Promise.all(Array.from({ length: 60 }, (_, n) => client.ask('subscribe', `topic:n${n}`)))
    const codes = answers.map(({ code }) => code ?? 'done')
    expect(codes.slice(0, 20)).toEqual(Array.from({ length: 20 }, () => 'done'))
    expect(codes.filter((code) => code === 'RATE_LIMITED').length).toBeGreaterThan(30)
    // Refused messages were not carried out.
    const { channelStats } = await stats(server)
    const held = Object.keys(channelStats).filter((name) => name.startsWith('topic:n'))
    expect(held).toHaveLength(codes.filter((code) => code === 'done').length)
  })

  it('[SIO9] is cut when it keeps flooding', async () => {
    await using client = await SocketIoClient.open(server.url, transports)
    for (let n = 0; n < 300; n++) client.socket.emit('subscribe', 'topic:t')
    await client.until(() => client.ends.length === 1)
    await expectNobody()
  })

  it('[SIO9] is cut for a message above 64 KiB', async () => {
    await using client = await SocketIoClient.open(server.url, transports)
    client.socket.emit('subscribe', 'x'.repeat(70 * KIB))
    await client.until(() => client.ends.length === 1)
    await expectNobody()
  })

  it('[SIO10] is refused to pages of other origins', async () => {
    const from = (origin: string) => ({ extraHeaders: { Origin: origin } })
    await using foreign = await SocketIoClient.open(server.url, transports, from('https://evil.example'))
    expect([foreign.socket.connected, foreign.failures.length]).toEqual([false, 1])
    for (const origin of [LISTED, server.url]) {
      await using client = await SocketIoClient.open(server.url, transports, from(origin))
      expect(client.failures).toEqual([])
    }
  })

  it('[SIO13] receives draining, and comes back by itself', async () => {
    await using restarted = await startTestServer({ hasSocketIo: true })
    await using client = await SocketIoClient.open(restarted.url, transports, {
      reconnection: true,
      reconnectionDelay: 50,
    })
    await client.ask('subscribe', 'topic:t')
    await client.until(() => client.transport === transports.at(-1))
    const { id: first } = client.socket
    // A polling client receives draining with its next poll, which is read before these requests.
    for (let n = 0; n < 2; n++) await restarted.get('/cursor')
    await restarted.restart()
    await client.until(() => client.socket.connected && client.socket.id !== first)
    expect(client.named('draining')).toEqual([
      { type: 'draining', channel: '*', id: expect.any(String), data: { retryMs: expect.any(Number) } },
    ])
    await client.ask('subscribe', 'topic:t')
    const { eventId } = await restarted.post('/topics/t/events', { event: 'said', data: 1 })
    await client.until(() => client.messages.at(-1)?.id === eventId)
  })
})

/** All connections of the tests have ended. */
async function expectNobody(): Promise<void> {
  await expect.poll(async () => (await stats(server)).connections.socketio).toBe(0)
}

describe('limits and ends', () => {
  it('[SIO9] a hundred channels are the limit', async () => {
    await using client = await SocketIoClient.open(server.url, ['websocket'])
    const held = new Set<string>()
    while (held.size < 100) {
      const name = `topic:m${held.size}`
      const answer = await client.ask('subscribe', name)
      if (answer.success) held.add(name)
      else expect(answer.code).toBe('RATE_LIMITED')
      if (!answer.success) await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await expect
      .poll(async () => (await client.ask('subscribe', 'topic:m100')).code, { timeout: 5_000 })
      .toBe('SUBSCRIPTION_LIMIT')
    await expect.poll(async () => (await client.ask('subscribe', 'topic:m7')).success, { timeout: 5_000 }).toBe(true)
  })

  it('[SIO11] a client that does not read falls behind, and gets everything when it reads again', async () => {
    await using client = await SocketIoClient.open(server.url, ['websocket'])
    await using healthy = await SocketIoClient.open(server.url, ['websocket'])
    for (const one of [client, healthy]) await one.ask('subscribe', 'topic:flood')
    client.connection.pause()
    const body = 'x'.repeat(100 * KIB)
    const sent = 300
    for (let n = 0; n < sent; n++) await post('flood', { n, body })
    await healthy.until(() => healthy.named('said').length === sent)
    const { connections, bytes } = await stats(server)
    expect(connections.behind).toBe(1)
    expect(bytes.pending).toBeGreaterThan(0)
    expect(bytes.pending).toBeLessThan(600 * KIB)
    client.connection.resume()
    await client.until(() => client.named('said').length === sent)
    expect(client.named('said')).toEqual(healthy.named('said'))
  })

  it('[SIO11] so does a client that polls seldom', async () => {
    // A client that never polls again after joining: what is pending for it stays bounded.
    const address = `${server.url}/socket.io/?EIO=4&transport=polling`
    const opened = await (await fetch(address)).text()
    const { sid } = JSON.parse(opened.slice(1)) as { sid: string }
    const send = (packet: string) => fetch(`${address}&sid=${sid}`, { method: 'POST', body: packet })
    const poll = async () => (await (await fetch(`${address}&sid=${sid}`)).text()).split('\x1e')
    await send('40')
    await poll()
    await send('42["subscribe","topic:seldom"]')
    const body = 'x'.repeat(100 * KIB)
    for (let n = 0; n < 30; n++) await post('seldom', { n, body })
    const { bytes, connections } = await stats(server)
    expect(connections.behind).toBe(1)
    expect(bytes.pending).toBeLessThan(600 * KIB)
    const seen: number[] = []
    while (seen.length < 30) {
      for (const packet of await poll()) {
        if (packet === '2') await send('3')
        if (packet.includes('"said"')) seen.push(JSON.parse(packet.slice(2))[1].data.n)
      }
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, n) => n))
    await send('1')
  })

  it('[SIO12] a client that answers no ping is cut', { timeout: 10_000 }, async () => {
    await using quick = await startTestServer({ hasSocketIo: true, heartbeatMs: 150 })
    const silent = await rawConnection(quick.url)
    await silent.joined
    await silent.closed
    expect(silent.packets).toContain('2')
    await expect.poll(async () => (await stats(quick)).connections.socketio).toBe(0)
    await using answering = await SocketIoClient.open(quick.url, ['websocket'])
    await answering.until(() => answering.named('heartbeat').length >= 6)
    expect(answering.socket.connected).toBe(true)
  })

  it('[SIO13] a drain does not wait for a client that does not close its side', async () => {
    await using drained = await startTestServer({ hasSocketIo: true })
    await using client = await SocketIoClient.open(drained.url, ['websocket'])
    client.connection.pause()
    const before = performance.now()
    await drained.close()
    expect(performance.now() - before).toBeLessThan(5_000)
  })

  it('[SIO13] a connection of the maximum age ends, and comes back by itself', async () => {
    await using aging = await startTestServer({ hasSocketIo: true, streamMaxAgeMs: 200 })
    await using client = await SocketIoClient.open(aging.url, ['websocket'], {
      reconnection: true,
      reconnectionDelay: 20,
    })
    await client.until(() => client.named('hello').length >= 3)
    expect(new Set(client.ends)).toEqual(new Set(['transport close']))
  })

  it('[SIO9] few messages wait for a client that does not read', async () => {
    await using client = await SocketIoClient.open(server.url, ['websocket'])
    await client.ask('subscribe', 'topic:stuck')
    client.connection.pause()
    const body = 'x'.repeat(100 * KIB)
    for (let n = 0; n < 120; n++) await post('stuck', { n, body })
    await expect.poll(async () => (await stats(server)).connections.behind).toBe(1)
    const answers: (string | undefined)[] = []
    for (let n = 0; n < 40; n++) {
      client.socket.emit('subscribe', `topic:kept${n}`, ({ code }: SocketIoAck) => answers.push(code))
      await new Promise((resolve) => setTimeout(resolve, 110))
    }
    client.connection.resume()
    await client.until(() => answers.length === 40)
    expect(answers.filter((code) => code === undefined).length).toBe(20)
    expect(answers.filter((code) => code === 'RATE_LIMITED').length).toBe(20)
  })

  it('[SIO13] a drain refuses new clients', async () => {
    const drained = await startTestServer({ hasSocketIo: true, drainMs: 1_000 })
    onTestFinished(() => drained[Symbol.asyncDispose]())
    await using client = await SocketIoClient.open(drained.url, ['websocket'])
    const closing = drained.close()
    await client.until(() => client.named('draining').length === 1)
    await using late = await SocketIoClient.open(drained.url, ['websocket'])
    expect(late.socket.connected).toBe(false)
    await closing
  })
})

describe('invalid requests', () => {
  const PACKETS = [
    '',
    '4',
    '9',
    '42',
    '42{}',
    '42[]',
    '42[7]',
    '42[null]',
    '42["subscribe"',
    '42["subscribe"]',
    '42["disconnect"]',
    '42["connect"]',
    '42["error","x"]',
    '42["__proto__"]',
    '42["subscribe",{"channel":{"_placeholder":true,"num":0}}]',
    '451-["subscribe",{"_placeholder":true,"num":0}]',
    '459999999-["subscribe"]',
    '43["x"]',
    '430["x"]',
    '44{"message":"x"}',
    '42/admin,["subscribe","global"]',
    '40/admin,',
    '41',
    '40{"token":"x"}',
    `42["subscribe",${'['.repeat(20_000)}${']'.repeat(20_000)}]`,
    'x'.repeat(70 * KIB),
    Buffer.from([0, 1, 2]),
    Buffer.from([0xff]),
  ]

  it.each(PACKETS.map((packet) => [String(packet).slice(0, 40), packet] as const))(
    '[SIO9] %j harms no other client',
    async (_shown, packet) => {
      await using other = await SocketIoClient.open(server.url, ['websocket'])
      await other.ask('subscribe', 'topic:others')
      const { peer, joined } = await rawConnection()
      await joined
      for (let n = 0; n < 3; n++) peer.send(packet)
      const { eventId } = await post('others', 1)
      await other.until(() => other.messages.at(-1)?.id === eventId)
      expect(other.socket.connected).toBe(true)
      peer.terminate()
    },
  )

  it('[SIO2] a client of version 3 connects, subscribes and resumes', async () => {
    const { io } = createRequire(import.meta.url)('socket.io-client-3') as { io: typeof connect }
    for (const transports of TRANSPORTS) {
      const topic = `three-${transports.join('-')}`
      const { eventId: since } = await post(topic, 'seen')
      await post(topic, 'missed')
      const socket = io(server.url, { transports, forceNew: true })
      onTestFinished(() => void socket.disconnect())
      const messages: unknown[] = []
      socket.on('message', ({ type, data }) => type === 'said' && messages.push(data))
      socket.on('connect', () => socket.emit('subscribe', { channel: `topic:${topic}`, since }))
      await expect.poll(() => messages, { timeout: 15_000 }).toEqual(['missed'])
      await post(topic, 'live')
      await expect.poll(() => messages, { timeout: 15_000 }).toEqual(['missed', 'live'])
    }
  })

  it.each(['EIO=3', 'EIO=5', 'EIO=', 'b64=1'])('[SIO2] other versions get 400: %s', async (version) => {
    const path = `${server.url}/socket.io/?${version}&transport=`
    const answer = await fetch(`${path}polling`)
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ code: 'bad_request', detail: expect.stringContaining('version 3 or 4') }),
    ])
    const peer = new WebSocket(`${path}websocket`.replace('http', 'ws'))
    peer.on('error', () => undefined)
    const refused = await new Promise<IncomingMessage>((resolve) =>
      peer.on('unexpected-response', (_, response) => resolve(response)),
    )
    expect(refused.statusCode).toBe(400)
    expect(JSON.parse(await text(refused))).toMatchObject({ code: 'bad_request' })
  })

  it('[SIO2] other namespaces do not exist', async () => {
    await using client = await SocketIoClient.open(`${server.url}/admin`, ['websocket'])
    expect(client.failures.map(({ message }) => message)).toEqual(['Invalid namespace'])
  })
})
