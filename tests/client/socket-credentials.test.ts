/**
 * The credentials of a socket of a component's own, with fake sockets.
 *
 * CA8  After 4401, or a refused ticket, `auth` is asked once more; a channel that a renewal takes away is an error.
 */
import { expect, onTestFinished, test } from 'vitest'
import { ChannelSocket } from '../../web/client/socket/channel-socket.ts'
import { settled } from './support/fake-clock.ts'
import { fakeSockets } from './support/fake-socket.ts'
import { HandClock } from './support/stub-hub.ts'

const EXPIRED = 4401

/** `tokens`: what `auth` returns, one after the other, and the last one for ever. */
async function open(tokens: string[], ticketStatus: (token: string) => number = () => 201) {
  const { made, WebSocket } = fakeSockets()
  const clock = new HandClock()
  const it = { asked: 0 }
  const socket = new ChannelSocket({
    baseUrl: 'http://hub',
    channels: ['topic:t', 'topic:u'],
    WebSocket,
    clock,
    auth: () => {
      it.asked += 1
      return tokens[Math.min(it.asked, tokens.length) - 1]
    },
    fetch: async (_url, init) => {
      const token = new Headers(init?.headers).get('Authorization')?.replace('Bearer ', '') ?? ''
      return Response.json({ ticket: `for-${token}` }, { status: ticketStatus(token) })
    },
  })
  onTestFinished(() => socket.close())
  socket.open()
  await settled()
  /** Long enough for every retry. */
  const pass = async () => {
    for (let minute = 0; minute < 5; minute++) {
      clock.advance(60_000)
      await settled()
    }
  }
  return Object.assign(it, { socket, made, pass, tickets: () => made.map(({ url }) => url.searchParams.get('ticket')) })
}

test('[CA8] after 4401 other credentials are tried at once, and once', async () => {
  const it = await open(['one', 'two', 'three'])
  it.made[0]?.open(5)
  it.made[0]?.cut(EXPIRED, 'The credential has lapsed')
  await settled()
  expect(it.tickets()).toEqual(['for-one', 'for-two'])
  it.made[1]?.cut(EXPIRED)
  await it.pass()
  expect([it.made.length, it.asked]).toEqual([2, 2])
  expect(it.socket.get()).toMatchObject({ connected: false, connecting: false })
  expect(it.socket.get().error?.message).toContain('4401')
})

test('[CA8] each time that it was open counts anew', async () => {
  const it = await open(['one', 'two', 'three'])
  for (const n of [0, 1]) {
    it.made[n]?.open(5)
    it.made[n]?.cut(EXPIRED)
    await settled()
  }
  expect(it.tickets()).toEqual(['for-one', 'for-two', 'for-three'])
})

test('[CA8] after 4401 the same credentials are not sent again', async () => {
  const it = await open(['one'])
  it.made[0]?.open(5)
  it.made[0]?.cut(EXPIRED)
  await it.pass()
  expect([it.made.length, it.asked]).toEqual([1, 2])
  expect(it.socket.get()).toMatchObject({ connected: false, connecting: false })
})

test('[CA8] a refused ticket counts as a refusal', async () => {
  const it = await open(['one', 'two'], (token) => (token === 'one' ? 401 : 201))
  await settled()
  expect(it.tickets()).toEqual(['for-two'])
  const other = await open(['one'], () => 401)
  await other.pass()
  expect([other.made.length, other.asked]).toEqual([0, 2])
})

test('[CA8] a channel that a renewal takes away is an error, and the others go on', async () => {
  const it = await open(['one'])
  it.made[0]?.open(5)
  it.made[0]?.hear({ type: 'unsubscribed', channel: 'topic:u' })
  expect(it.socket.get()).toMatchObject({ connected: true, error: { message: expect.stringContaining('topic:u') } })
})
