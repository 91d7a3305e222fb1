/**
 * A hub in a real Chromium, with everything that happens to a page and its connection. Afterwards every event has come once,
 * and the board of the store equals the server's.
 *
 * CL20  Server restarts, 503s, cut connections, half-open silence.
 * CL21  A page that was paused (a laptop asleep, a frozen tab) misses nothing.
 * CL22  Offline and online.
 * CL23  In the back-forward cache the stream is closed, and resumes afterwards.
 * CL24  All of it on every transport.
 */
import type { BrowserContext } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { builtPage } from '../client/support/built-page.ts'
import type { Front } from '../client/support/front.ts'
import { Tab } from '../client/support/tab.ts'
import { boardState, makeBoard, makeCard } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const built = builtPage(undefined, { ignoreDefaultArgs: ['--disable-back-forward-cache'] })

interface Scene {
  readonly server: TestServer
  readonly front: Front
  readonly context: BrowserContext
  readonly boardId: string
  readonly tab: Tab
  /** Event-Ids of the cards made so far. */
  readonly ids: string[]
  make(): Promise<void>
  /** Everything was heard once and in order, and the store is right. */
  isWhole(): Promise<void>
}

const TRANSPORTS = ['fetch', 'eventsource', 'ws'] as const

async function scene(transport: (typeof TRANSPORTS)[number], heartbeatMs?: number): Promise<Scene> {
  const server = await startTestServer(heartbeatMs === undefined ? {} : { heartbeatMs })
  const { front, context } = await built.open(server)
  const { id: boardId } = await makeBoard(server)
  const tab = await Tab.open(context, front.url, { baseUrl: front.url, transport, channels: [`board:${boardId}`] })
  await tab.page.evaluate(`window.board = hub.board('${boardId}'); board.subscribe(() => {})`)
  const ids: string[] = []
  return {
    server,
    front,
    context,
    boardId,
    tab,
    ids,
    async make() {
      ids.push((await makeCard(server, boardId, { title: `card ${ids.length}` })).eventId)
    },
    async isWhole() {
      await tab.id(ids.at(-1) ?? '')
      const { events, gaps, errors } = await tab.heard()
      expect({ events, gaps, errors }).toEqual({ events: ids.map((id) => `card_created#${id}`), gaps: 0, errors: [] })
      await tab.page.waitForFunction(`Object.keys(board.get().state?.cards ?? {}).length === ${ids.length}`)
      expect(await tab.page.evaluate('board.get().state')).toEqual(await boardState(server, boardId))
      await tab.phase('open')
    },
  }
}

describe.each(TRANSPORTS)('[CL24] over %s', (transport) => {
  test('[CL20] a restart of the server', async () => {
    const it = await scene(transport)
    await it.make()
    await it.server.restart()
    await it.make()
    await it.isWhole()
    await it.tab.wentThrough('reconnecting')
  })

  test('[CL20] cut connections, and 503s in place of the stream', async () => {
    const it = await scene(transport)
    await it.make()
    it.front.refuse(503)
    it.front.cut()
    await it.tab.wentThrough('reconnecting')
    await it.make()
    await it.tab.page.waitForFunction('hub.status.get().attempt > 2')
    it.front.pass()
    await it.make()
    await it.isWhole()
  })

  test('[CL20] a connection that is dead without being closed', async () => {
    const it = await scene(transport, 200)
    await it.make()
    await it.tab.id(it.ids[0] ?? '')
    it.front.silence()
    await it.make()
    await it.make()
    await it.isWhole()
    expect(it.front.streams.length).toBe(2)
  })

  test('[CL21] a page that was paused while its connection died', async () => {
    const it = await scene(transport, 200)
    await it.make()
    await it.tab.id(it.ids[0] ?? '')
    const session = await it.context.newCDPSession(it.tab.page)
    await session.send('Debugger.enable')
    const paused = new Promise((resolve) => session.once('Debugger.paused', resolve))
    await session.send('Debugger.pause')
    void it.tab.page.evaluate('0')
    await paused
    it.front.silence()
    await it.make()
    await it.server.restart()
    await it.make()
    await session.send('Debugger.resume')
    await session.send('Debugger.disable')
    await it.isWhole()
  })

  test('[CL21] a page that will be frozen closes the stream', async () => {
    const it = await scene(transport)
    await it.make()
    await it.tab.id(it.ids[0] ?? '')
    await it.tab.sleep()
    await expect.poll(() => it.front.open).toBe(0)
    await it.make()
    await it.tab.wake()
    await it.make()
    await it.isWhole()
  })

  test('[CL22] offline, and online again', async () => {
    const it = await scene(transport)
    await it.make()
    await it.tab.id(it.ids[0] ?? '')
    await it.context.setOffline(true)
    it.front.cut()
    await it.tab.phase('offline')
    await it.make()
    await it.context.setOffline(false)
    await it.make()
    await it.isWhole()
  })

  test('[CL23] away and back, from the back-forward cache', async () => {
    const it = await scene(transport)
    await it.make()
    await it.tab.id(it.ids[0] ?? '')
    await it.tab.page.evaluate(`addEventListener('pageshow', ({ persisted }) => { window.persisted = persisted })`)
    await it.tab.page.goto(`${it.front.url}/page/other`)
    await expect.poll(() => it.front.open).toBe(0)
    await it.make()
    await it.make()
    await it.tab.page.goBack({ waitUntil: 'commit' })
    await it.tab.page.waitForFunction('window.persisted === true')
    await it.make()
    await it.isWhole()
  })
})
