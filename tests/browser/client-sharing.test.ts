/**
 * Tabs that share one stream, in a real Chromium.
 *
 * CS1  Eight tabs on plain HTTP/1.1 share one stream; all are live, and can post.
 * CS2  The leader closes, crashes or is left: the next one resumes from the furthest cursor. Nothing is missed, nothing
 *      comes twice.
 * CS3  A new tab starts where the stream is; channels that only one tab wants reach only that tab.
 * CS4  Refusals reach the tabs that they concern; `reconnect` works from every tab.
 * CS5  A tab that was frozen or in the back-forward cache misses nothing.
 */
import type { BrowserContext } from 'playwright-core'
import { expect, test } from 'vitest'
import { builtPage } from '../client/support/built-page.ts'
import type { Front } from '../client/support/front.ts'
import { Tab } from '../client/support/tab.ts'
import { appendLines, makeBoard, makeCard, makeWork } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const built = builtPage()

interface Scene {
  readonly server: TestServer
  readonly front: Front
  readonly context: BrowserContext
}

async function scene(): Promise<Scene> {
  const server = await startTestServer()
  const { front, context } = await built.open(server)
  return { server, front, context }
}

function tabs({ front, context }: Scene, many: number, channels: string[]): Promise<Tab[]> {
  const open = () => Tab.open(context, front.url, { baseUrl: front.url, share: 'browser', channels })
  // One after the other: the first is the leader.
  return Array.from({ length: many }).reduce<Promise<Tab[]>>(
    async (before) => [...(await before), await open()],
    Promise.resolve([]),
  )
}

/** Exactly these events, in order. */
async function everyoneHas(all: readonly Tab[], ids: readonly string[]): Promise<void> {
  const last = ids.at(-1)
  if (last) await Promise.all(all.map((tab) => tab.id(last)))
  for (const [at, tab] of all.entries()) {
    const { events, gaps, errors } = await tab.heard()
    expect({ at, ids: events.map((event) => event.split('#')[1]), gaps, errors }).toEqual({
      at,
      ids,
      gaps: 0,
      errors: [],
    })
  }
}

test('[CS1] eight tabs, one stream, and each can post', async () => {
  const it = await scene()
  const board = await makeBoard(it.server)
  const all = await tabs(it, 8, [`board:${board.id}`])
  expect(it.front.open).toBe(1)
  expect((await Promise.all(all.map((tab) => tab.status()))).map(({ role, phase }) => `${role} ${phase}`)).toEqual([
    'leader open',
    ...Array.from({ length: 7 }, () => 'follower open'),
  ])
  const ids: string[] = []
  for (const [at, tab] of all.entries()) ids.push(await tab.post(`/boards/${board.id}/cards`, { title: `from ${at}` }))
  await everyoneHas(all, ids)
  expect(it.front.open).toBe(1)
  expect(it.front.streams).toHaveLength(1)
})

test.each(['closes', 'crashes', 'goes elsewhere'] as const)(
  '[CS2] the leader %s during a burst: every event comes once',
  async (how) => {
    const it = await scene()
    const { boardId, attempt } = await makeWork(it.server)
    const all = await tabs(it, 4, [`board:${boardId}`, `agent:${attempt.agent}`])
    const writing = (async () => {
      for (let round = 0; round < 60; round++) {
        await makeCard(it.server, boardId)
        await appendLines(it.server, attempt.id, [`${round} one`, `${round} two`, `${round} three`])
      }
      return (await makeCard(it.server, boardId)).eventId
    })()
    await all[0]?.page.waitForFunction('heard.events.length > 10')
    const [leader, ...rest] = all
    if (how === 'closes') await leader?.page.close()
    else if (how === 'goes elsewhere') await leader?.page.goto('about:blank')
    else await leader?.page.goto('chrome://crash').catch(() => undefined)
    const last = await writing
    await Promise.all(rest.map((tab) => tab.id(last)))
    const expected = await it.server.get<{ events: Array<{ event: string; id: string }> }>(
      `/events?channels=board:${boardId},agent:${attempt.agent}&limit=1000&after=${(await rest[0]?.heard())?.ready[0]}`,
    )
    const due = expected.events
      .map(({ event, id }) => `${event}#${id}`)
      .filter((event) => !event.startsWith('output_batch'))
    for (const tab of rest) {
      const { events, gaps } = await tab.heard()
      expect(events.filter((event) => !event.startsWith('output_batch'))).toEqual(due)
      expect(gaps).toBe(0)
    }
    const roles = await Promise.all(rest.map(async (tab) => (await tab.status()).role))
    expect(roles.filter((role) => role === 'leader')).toHaveLength(1)
    expect(it.front.open).toBe(1)
  },
)

test('[CS3] a new tab has the stream at once, and what only one tab wants reaches only its readers', async () => {
  const it = await scene()
  const board = await makeBoard(it.server)
  const other = await makeBoard(it.server)
  const [first] = await tabs(it, 1, [`board:${board.id}`])
  const [second] = await tabs(it, 1, [`board:${board.id}`])
  expect(it.front.streams).toHaveLength(1)
  const [third] = await tabs(it, 1, [`board:${other.id}`])
  expect(it.front.streams).toHaveLength(2)
  const one = (await makeCard(it.server, board.id)).eventId
  const two = (await makeCard(it.server, other.id)).eventId
  if (!first || !second || !third) throw new Error('no tabs')
  await everyoneHas([first, second], [one])
  await everyoneHas([third], [two])
  expect(it.front.open).toBe(1)
})

test('[CS4] a refusal reaches the tab that it concerns, and reconnect works from every tab', async () => {
  const it = await scene()
  const board = await makeBoard(it.server)
  const all = await tabs(it, 2, [`board:${board.id}`])
  const [first, second] = all
  if (!first || !second) throw new Error('no tabs')
  await second.page.evaluate(
    `hub.subscribe({ channels: ['board:nowhere'] }, { error: (error) => { window.refused = error.status } })`,
  )
  await second.page.waitForFunction('window.refused === 404')
  await second.page.evaluate('hub.reconnect()')
  const card = (await makeCard(it.server, board.id)).eventId
  await everyoneHas(all, [card])
  expect(it.front.streams.length).toBeGreaterThan(2)
})

test('[CS5] a frozen leader hands the stream over, and comes back without missing anything', async () => {
  const it = await scene()
  const board = await makeBoard(it.server)
  const all = await tabs(it, 3, [`board:${board.id}`])
  const [first, second, third] = all
  if (!first || !second || !third) throw new Error('no tabs')
  await first.sleep()
  await Promise.race([second.role('leader'), third.role('leader')])
  const ids = [(await makeCard(it.server, board.id)).eventId, (await makeCard(it.server, board.id)).eventId]
  await everyoneHas([second, third], ids)
  await first.wake()
  await everyoneHas(all, ids)
  ids.push((await makeCard(it.server, board.id)).eventId)
  await everyoneHas(all, ids)
  expect((await first.status()).role).toBe('follower')
})
