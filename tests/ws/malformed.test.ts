/**
 * Whatever one socket sends, the server keeps running, logs nothing, and other sockets miss nothing. Rules W57 and W58. The
 * server is a separate process here, so that a crash or a line on stderr shows.
 */
import * as fc from 'fast-check'
import { expect, it, onTestFinished } from 'vitest'
import { createApiClient } from '../support/api.ts'
import { eventually } from '../support/board.ts'
import { ChildServer } from '../support/child-server.ts'
import { clientFrame, OPCODE, RawSocket } from '../support/raw-socket.ts'
import { SocketClient } from '../support/socket.ts'

const { continuation, text, binary, close, ping, pong } = OPCODE
const frames = (...all: Parameters<typeof clientFrame>[0][]) => Buffer.concat(all.map(clientFrame))
const bytes = (hex: string) => Buffer.from(hex, 'hex')

/** Bytes that are not valid frames, and the close code for them. */
const NO_FRAMES: ReadonlyArray<readonly [string, Buffer, number]> = [
  ['text that is not masked', frames({ payload: '{}', isMasked: false }), 1002],
  ['an empty frame that is not masked', bytes('8100'), 1002],
  ...[1, 2, 4, 7].map((reserved) => [`reserved bits ${reserved}`, frames({ payload: '{}', reserved }), 1002] as const),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode) => [`opcode ${opcode}`, frames({ opcode }), 1002] as const),
  ['a ping in fragments', frames({ opcode: ping, isFinal: false }), 1002],
  ['a pong in fragments', frames({ opcode: pong, isFinal: false }), 1002],
  ['a close in fragments', frames({ opcode: close, isFinal: false }), 1002],
  ['a ping of 126 bytes', frames({ opcode: ping, payload: 'x'.repeat(126) }), 1002],
  ['a continuation of nothing', frames({ opcode: continuation, payload: '{}' }), 1002],
  ['text within text', frames({ payload: '{', isFinal: false }, { payload: '}' }), 1002],
  ['binary within text', frames({ payload: '{', isFinal: false }, { opcode: binary, payload: '}' }), 1002],
  ['a close with half a code', frames({ opcode: close, payload: bytes('03') }), 1002],
  ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000].map((code) => {
    return [
      `a close with ${code}`,
      frames({ opcode: close, payload: bytes(code.toString(16).padStart(4, '0')) }),
      1002,
    ] as const
  }),
  ['a close whose reason is not UTF-8', frames({ opcode: close, payload: bytes('03e8ff') }), 1007],
  ['a length of more than 2^53', bytes('81ffffffffffffffffff00000000'), 1009],
  ['another request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 1002],
  ...['ff', 'c0af', 'e282', 'eda080', 'f4908080', 'f0808080', '7b22ff227d', '80', 'fe'].map(
    (hex) => [`text that is not UTF-8 (${hex})`, frames({ payload: bytes(hex) }), 1007] as const,
  ),
  [
    'text that is not UTF-8 over fragments',
    frames({ payload: bytes('22f09f'), isFinal: false }, { opcode: continuation, payload: bytes('9a22') }),
    1007,
  ],
]

/** A server, and a neighbour: a socket that listens to everything and must not be affected. */
async function watched() {
  const server = await ChildServer.start()
  const api = createApiClient(server.url)
  const neighbour = await SocketClient.open(server.url, '/ws')
  const told: string[] = []
  let count = 0
  onTestFinished(async () => {
    api[Symbol.dispose]()
    await neighbour[Symbol.asyncDispose]()
  })
  await api.call('POST', '/boards', { id: 'demo', name: 'Demo' })

  /** Emits an event and waits until the neighbour has received it. */
  async function check(after: string): Promise<void> {
    count += 1
    const { eventId } = await api.call('POST', '/topics/checks/events', { event: 'check', data: count })
    told.push(eventId)
    await neighbour.until(() => neighbour.closed !== null || neighbour.messages.some(({ id }) => id === eventId))
    expect([neighbour.closed, server.errors], after).toEqual([null, ''])
  }

  /** The neighbour has missed nothing, no other connection is left, and the server shuts down cleanly. */
  async function finish(): Promise<void> {
    await check('everything')
    expect(neighbour.named('check').map(({ id }) => id)).toEqual(told)
    await eventually('the end of the others', async () => (await api.get('/stats')).connections.total === 1)
    expect(await server.stop('SIGTERM')).toBe(0)
    expect(server.errors).toBe('')
  }

  return { server, api, check, finish }
}

/** Codes of all refusals that a client has received. */
const codesOf = (messages: readonly { code?: string; payload?: { code?: string } }[]) =>
  messages.flatMap(({ code, payload }) => code ?? payload?.code ?? [])

it('[W57] [W58] bytes that are not WebSocket frames close the socket, and harm no other', async () => {
  const { server, check, finish } = await watched()
  for (const path of ['/ws', '/ws?boardId=demo', '/ws/dashboard']) {
    for (const [what, sent, code] of NO_FRAMES) {
      await using peer = await RawSocket.open(server.url, path)
      peer.write(sent)
      expect(await peer.untilCloseCode(), what).toBe(code)
      // Nothing follows, and later messages of the client are ignored.
      peer.send({ type: 'publish', channel: 'topic:checks', event: 'check', data: 'forged' })
      await peer.until('the end', () => peer.ended)
      expect(peer.frames.at(-1)?.opcode, what).toBe(close)
    }
    await check(path)
  }
  await finish()
})

it('[W57] [W58] messages may come in fragments of any size, with pings between them', async () => {
  const { server, check, finish } = await watched()
  await using peer = await RawSocket.open(server.url, '/ws?global=0')
  const message = Buffer.from('{"type":"ping","timestamp":"🚀ü"}')
  // One byte per fragment, even within a character, a ping after each, and one frame per write.
  const parts = [...message].map((_, at) =>
    frames(
      {
        opcode: at === 0 ? text : continuation,
        payload: message.subarray(at, at + 1),
        isFinal: at === message.length - 1,
      },
      ...(at === message.length - 1 ? [] : [{ opcode: ping, payload: `${at}` }]),
    ),
  )
  for (const part of parts) peer.write(part)
  await peer.until('the answer', () => peer.messages.some(({ type }) => type === 'pong'))
  expect(peer.messages.at(-1)).toEqual({ type: 'pong', timestamp: '🚀ü' })
  const pongs = peer.frames.filter(({ opcode }) => opcode === pong).map(({ payload }) => String(payload))
  expect(pongs).toEqual(parts.slice(0, -1).map((_, at) => `${at}`))
  // One byte per write.
  for (const byte of frames({ payload: message })) peer.write(Uint8Array.of(byte))
  await peer.until('the answer', () => peer.messages.filter(({ type }) => type === 'pong').length === 2)
  // Thousands of empty fragments.
  const empty = Array.from({ length: 5_000 }, () => ({ opcode: continuation, isFinal: false }))
  peer.write(frames({ payload: message.subarray(0, 5), isFinal: false }, ...empty))
  peer.write(frames({ opcode: continuation, payload: message.subarray(5) }))
  await peer.until(
    'the answer or the end',
    () => peer.closeCode ?? peer.messages.filter(({ type }) => type === 'pong').length === 3,
  )
  await check('fragments')
  await peer[Symbol.asyncDispose]()
  await finish()
})

it('[W53] [W58] any JSON is answered, without an internal error', async () => {
  const { server, api, check, finish } = await watched()
  const deep = (open: string, shut: string, levels: number) => `${open.repeat(levels)}1${shut.repeat(levels)}`
  const arrays = deep('[', ']', 30_000)
  const objects = deep('{"a":', '}', 10_000)
  const bombs = [
    '['.repeat(65_000),
    '{"a":'.repeat(13_000),
    arrays,
    objects,
    `{"type":${arrays}}`,
    `{"type":"ping","timestamp":${arrays}}`,
    `{"type":"ping","payload":{"ts":${arrays}}}`,
    `{"type":"ping","id":${objects}}`,
    `{"type":"publish","channel":"topic:x","event":"e","data":${arrays},"id":1}`,
    `{"type":"publish","channel":"topic:x","event":"message.new","data":${objects},"id":2}`,
    `{"type":"publish","channel":"agent:x","event":"message.new","data":{"content":${objects}},"id":3}`,
    `{"type":"create_card","payload":{"title":${arrays}},"id":4}`,
    `{"type":"update_card","payload":{"cardId":"x","labels":${arrays}},"id":5}`,
    `{"type":"subscribe","channel":${arrays},"id":6}`,
    `{"type":"${'x'.repeat(65_000)}"}`,
    `{"type":"subscribe","channel":"${'\\u0000'.repeat(10_000)}"}`,
    `{"type":"subscribe","channel":"topic:a","since":"${'9'.repeat(60_000)}","id":7}`,
    `{"type":"auth","agent_id":"${'a'.repeat(60_000)}"}`,
    `{"type":"ping","timestamp":${'9'.repeat(65_000)}}`,
    `{"type":"ping","id":${'9'.repeat(400)}}`,
    `{"type":"ping","id":"${'\\ud800'.repeat(200)}"}`,
    `{${'"type":"ping",'.repeat(4_000)}"type":"x"}`,
    `{${Array.from({ length: 5_000 }, (_, n) => `"${n}":0`).join(',')},"type":"ping"}`,
    '{"__proto__":{"type":"subscribe","channel":"global"}}',
    '{"type":"subscribe","__proto__":{"channel":"global"},"id":8}',
    '{"type":"create_card","payload":{"__proto__":{"title":"x"}},"id":9}',
    '{"type":"update_card","payload":{"cardId":"x","constructor":{"prototype":{"polluted":1}}},"id":10}',
    '{"type":"publish","channel":"topic:x","event":"__proto__","data":{"__proto__":{"polluted":1}},"id":11}',
    '{"type":"constructor"}',
    '{"type":"hasOwnProperty","id":12}',
    '\ufeff{"type":"ping"}',
    '{"type":"ping"}\0',
  ]
  for (const path of ['/ws?global=0', '/ws?boardId=demo', '/ws/dashboard']) {
    // As many as the rate limit allows at once.
    for (let at = 0; at < bombs.length; at += 19) {
      await using socket = await SocketClient.open(server.url, path)
      const some = bombs.slice(at, at + 19)
      for (const bomb of some) socket.send(bomb)
      if (!path.includes('dashboard')) {
        await socket.until(() => {
          return socket.messages.filter(({ type }) => /^(ack|error|pong|subscribed)$/.test(type)).length === some.length
        })
      }
      await check(`${path} ${at}`)
      const wrong = socket.texts.filter((said) => /internal/i.test(said) && /"(error|success)":/.test(said))
      expect(wrong).toEqual([])
      for (const said of socket.texts) expect(said.length).toBeLessThan(70_000)
      expect(socket.closed).toBeNull()
    }
  }
  expect((await api.get('/boards/demo')).state.cards).toEqual({})
  await finish()
})

it('[W51] [W58] 10,000 subscribes are refused, and their sender is closed', async () => {
  const { server, api, check, finish } = await watched()
  await using peer = await RawSocket.open(server.url, '/ws')
  const all = Array.from({ length: 10_000 }, (_, n) =>
    clientFrame({ payload: `{"type":"subscribe","channel":"topic:${n}","id":${n}}` }),
  )
  peer.write(Buffer.concat(all))
  await check('10,000 subscribes')
  expect(await peer.untilCloseCode()).toBe(4429)
  const acks = peer.messages.filter(({ type }) => type === 'ack')
  expect(acks.filter(({ success }) => success).length).toBeLessThanOrEqual(25)
  expect(new Set(codesOf(acks))).toEqual(new Set(['RATE_LIMITED']))
  await peer[Symbol.asyncDispose]()
  await eventually('the end of its channels', async () => {
    return Object.keys((await api.get('/stats')).channelStats).length === 1
  })
  await finish()
})

it('[W57] [W58] random bytes harm no other socket', { timeout: 120_000 }, async () => {
  const { server, check, finish } = await watched()
  const frame = fc.record({
    opcode: fc.integer({ min: 0, max: 15 }),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.json().map((json) => Buffer.from(json)),
    ),
    isFinal: fc.boolean(),
    reserved: fc.constantFrom(0, 0, 0, 1, 7),
    isMasked: fc.constantFrom(true, true, true, false),
  })
  const pieces = fc.array(fc.oneof(frame.map(clientFrame), fc.uint8Array({ maxLength: 300 })), {
    minLength: 1,
    maxLength: 8,
  })
  await fc.assert(
    fc.asyncProperty(pieces, fc.constantFrom('/ws', '/ws?boardId=demo', '/ws/dashboard'), async (sent, path) => {
      await using peer = await RawSocket.open(server.url, path)
      for (const piece of sent) peer.write(piece)
      peer.write(frames({ opcode: close, payload: bytes('03e8') }))
      peer.socket.end()
      await peer.until('the end', () => peer.ended)
      await check(path)
      // 1005: the client's close frame has no code.
      const codes = peer.frames.filter(({ opcode }) => opcode === close).map(({ payload }) => payload)
      for (const payload of codes) {
        if (payload.length > 0) expect(payload.readUInt16BE(0)).toBeGreaterThanOrEqual(1000)
      }
      expect(codesOf(peer.messages)).not.toContain('INTERNAL')
      expect(codesOf(peer.messages)).not.toContain('internal')
    }),
    { numRuns: 150 },
  )
  await finish()
})

it('[W40] [W53] [W58] random messages are answered, without an internal error', { timeout: 120_000 }, async () => {
  const { server, check, finish } = await watched()
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom('demo', 'board:demo', 'global', 'topic:t', 'agent:a', 'message.new', 'x', null, 0, -1, 1e308),
  )
  const names = ['channel', 'since', 'event', 'data', 'agent_id', 'session_id', 'timestamp', 'payload', 'id', 'token']
  const type = fc.constantFrom(
    ...['subscribe', 'unsubscribe', 'publish', 'auth', 'ping', 'pong'],
    ...['get_state', 'create_card', 'update_card', 'move_card', 'delete_card'],
  )
  const payload = fc.dictionary(
    fc.constantFrom('cardId', 'title', 'columnId', 'toColumnId', 'toIndex', 'dependsOn', 'labels', 'ifRevision'),
    value,
  )
  const message = fc
    .tuple(fc.oneof(type, type, type, value), fc.dictionary(fc.constantFrom(...names), fc.oneof(value, payload)))
    .map(([type, fields]) => ({ ...fields, type }))
  await fc.assert(
    fc.asyncProperty(
      fc.array(message, { minLength: 10, maxLength: 19 }),
      fc.constantFrom('/ws', '/ws?boardId=demo'),
      async (messages, path) => {
        await using socket = await SocketClient.open(server.url, path)
        for (const one of messages) socket.send(one)
        socket.send({ type: path === '/ws' ? 'unsubscribe' : 'get_state', channel: 'topic:none', id: 'the last' })
        await socket.answer('the last')
        expect(socket.closed).toBeNull()
        expect(socket.texts.filter((said) => /"code":"internal"/i.test(said))).toEqual([])
        await check(JSON.stringify(messages))
      },
    ),
    { numRuns: 60 },
  )
  await finish()
})
