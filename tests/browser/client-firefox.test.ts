/**
 * A page with a hub in Debian's Firefox that enters and leaves the back-forward cache. Firefox decides when a navigation
 * begins whether it caches a page; it also does so headless and automated, as a page without the library shows.
 */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { buildPage, Front } from '../client/support/front.ts'
import { makeBoard, makeCard } from '../support/board.ts'
import { Firefox, type FirefoxPage, firefoxMissing } from '../support/firefox.ts'
import { startTestServer } from '../support/server.ts'

let firefox: Firefox | undefined
let built: Awaited<ReturnType<typeof buildPage>> | undefined

beforeAll(async () => {
  if (firefoxMissing) return
  built = await buildPage()
  firefox = await Firefox.launch()
}, 180_000)

afterAll(async () => {
  await firefox?.close()
  built?.remove()
})

async function scene() {
  if (!firefox || !built) throw new Error('no Firefox')
  const server = await startTestServer()
  const front = await Front.to(server.port, built.folder)
  const { id: boardId } = await makeBoard(server)
  const page = await firefox.open(`${front.url}/page/`)
  onTestFinished(async () => {
    await page.close()
    await front[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  await page.waitFor('window.client')
  await page.evaluate(`addEventListener('pageshow', ({ persisted }) => { window.persisted = persisted }), 0`)
  return { server, front, boardId, page }
}

/** Follows a link, then goes back. True if the page came out of the cache. */
async function awayAndBack(page: FirefoxPage, url: string, meanwhile: () => Promise<void>): Promise<boolean> {
  await page.evaluate(`window.kept = true, location.href = '${url}/page/other', 0`)
  await page.waitFor(`location.pathname === '/page/other' && document.readyState === 'complete'`)
  await meanwhile()
  await page.traverse(-1)
  await page.waitFor(`location.pathname === '/page/' && document.readyState === 'complete'`)
  return page.evaluate<boolean>('window.kept === true && window.persisted === true')
}

describe.skipIf(firefoxMissing)('[CL32] in Firefox', () => {
  test('the control: a page without a hub is kept', async () => {
    const { front, page } = await scene()
    expect(await awayAndBack(page, front.url, async () => undefined)).toBe(true)
  })

  test.each(['tab', 'browser'])(
    'a page with an open stream is kept, holds none meanwhile, and misses nothing (share: %s)',
    async (share) => {
      const { server, front, boardId, page } = await scene()
      await page.evaluate(`{
      window.heard = []
      window.hub = client.createClient({ baseUrl: '${front.url}', share: '${share}', backoff: { firstMs: 50, maxMs: 200 } })
      window.board = hub.board('${boardId}')
      board.subscribe(() => {})
      hub.subscribe({ channels: ['board:${boardId}'] }, { event: ({ id }) => heard.push(id) })
    }`)
      await page.waitFor(`board.get().phase === 'live'`)
      const ids = [(await makeCard(server, boardId)).eventId]
      await page.waitFor(`heard.length === 1`)
      const isKept = await awayAndBack(page, front.url, async () => {
        await expect.poll(() => front.open, { timeout: 10_000 }).toBe(0)
        ids.push((await makeCard(server, boardId)).eventId)
      })
      expect(isKept).toBe(true)
      ids.push((await makeCard(server, boardId)).eventId)
      await page.waitFor(`heard.length === 3 && board.get().phase === 'live'`)
      expect(await page.evaluate('heard')).toEqual(ids)
      expect(await page.evaluate('Object.keys(board.get().state.cards).length')).toBe(3)
    },
  )

  test('a navigation that comes to nothing costs nothing', async () => {
    const { server, front, boardId, page } = await scene()
    await page.evaluate(`{
      window.heard = []
      window.hub = client.createClient({ baseUrl: '${front.url}', share: 'browser' })
      hub.subscribe({ channels: ['board:${boardId}'] }, { event: ({ id }) => heard.push(id) })
    }`)
    await page.waitFor(`hub.status.get().phase === 'open'`)
    await page.evaluate(`dispatchEvent(new Event('beforeunload')), 0`)
    const { eventId } = await makeCard(server, boardId)
    await page.waitFor(`heard.includes('${eventId}')`)
  })

  test('where the page’s policy forbids workers, the stream is open anyway', async () => {
    const { server, front, boardId, page } = await scene()
    await page.goto(`${front.url}/page/?policy=${encodeURIComponent("worker-src 'none'")}`)
    await page.waitFor('window.client')
    await page.evaluate(`{
      window.heard = []
      window.hub = client.createClient({ baseUrl: '${front.url}' })
      hub.subscribe({ channels: ['board:${boardId}'] }, { event: ({ id }) => heard.push(id) })
    }`)
    await page.waitFor(`hub.status.get().phase === 'open'`)
    const { eventId } = await makeCard(server, boardId)
    await page.waitFor(`heard.includes('${eventId}')`)
  })
})
