/** The socket of `useWebSocket` on a page in Chromium's back-forward cache. */
import { expect, test } from 'vitest'
import { buildPage, Front } from '../client/support/front.ts'
import { launchChromium } from '../support/chromium.ts'
import { startTestServer } from '../support/server.ts'

test('[CB21] a page in the back-forward cache has no socket, and misses nothing when it is back', async () => {
  const built = await buildPage('web/client/socket/channel-socket.ts')
  await using server = await startTestServer()
  await using front = await Front.to(server.port, built.folder)
  const browser = await launchChromium({ ignoreDefaultArgs: ['--disable-back-forward-cache'] })
  try {
    const page = await browser.newPage()
    await page.goto(`${front.url}/page/`)
    await page.waitForFunction('window.client')
    await page.evaluate(`{
      window.heard = []
      const onEvent = ({ data }) => heard.push(data.n)
      window.socket = new client.ChannelSocket({ baseUrl: '${front.url}', channels: ['topic:t'], onEvent })
      socket.open()
      addEventListener('pageshow', ({ persisted }) => { window.persisted = persisted })
    }`)
    await page.waitForFunction('socket.get().connected')
    const post = (n: number) => server.post('/topics/t/events', { event: 'n', data: { n } })
    await post(1)
    await page.waitForFunction('heard.length === 1')
    await page.goto(`${front.url}/page/other`)
    await expect.poll(() => front.open).toBe(0)
    await post(2)
    await page.goBack({ waitUntil: 'commit' })
    await page.waitForFunction('window.persisted === true')
    await page.waitForFunction('socket.get().connected')
    await post(3)
    await page.waitForFunction('heard.length === 3')
    expect(await page.evaluate('heard')).toEqual([1, 2, 3])
  } finally {
    await browser.close()
    built.remove()
  }
})
