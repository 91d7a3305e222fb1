/**
 * Shared compression in a real Chromium: it asks for gzip by itself, and decodes every write when it has come.
 * Rules Z1 and Z2 of docs/protocol.md.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startServer } from '../../src/main.ts'
import { launchChromium } from '../support/chromium.ts'
import { storeAt } from '../support/stores.ts'

/** Scripts of the page: each puts the text of what comes into `heard`. */
const LISTENING = {
  EventSource: `const source = new EventSource('/sse?channels=topic:z')
    source.addEventListener('said', ({ data }) => { heard.push(data) })`,
  fetch: `fetch('/sse?channels=topic:z').then(async ({ body }) => {
    for await (const text of body.pipeThrough(new TextDecoderStream())) heard.push(text)
  })`,
}

test.each(['EventSource', 'fetch'] as const)('[Z1] [Z2] %s in Chromium', async (reader) => {
  const folder = await mkdtemp(join(tmpdir(), 'boardcast-gzip-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const server = await startServer({ port: 0, ...(await storeAt(join(folder, 'boardcast.db'))), logLevel: 'error' })
  onTestFinished(() => server.close())
  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  // A page of the server's origin that does nothing by itself: those of the server forbid foreign scripts, or listen.
  await page.route('**/blank', (route) => route.fulfill({ contentType: 'text/html', body: '' }))
  await page.goto(`${server.url}/blank`)
  const protocol = await page.context().newCDPSession(page)
  await protocol.send('Network.enable')
  const opened = page.waitForResponse((response) => response.url().includes('/sse'))
  let plainBytes = 0
  let wireBytes = 0
  protocol.on('Network.dataReceived', ({ dataLength, encodedDataLength }) => {
    plainBytes += dataLength
    wireBytes += encodedDataLength
  })
  await page.evaluate(`globalThis.heard = []; ${LISTENING[reader]}; undefined`)
  expect(await (await opened).headerValue('Content-Encoding')).toBe('gzip')

  // Short ones are stored, long ones compressed. Nothing follows that would push one out.
  for (let n = 0; n < 12; n++) {
    const data = `${n}:${'lorem ipsum '.repeat(n * 20)}`
    const posted = await fetch(`${server.url}/api/v1/topics/z/events`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ event: 'said', data }),
    })
    expect(posted.status).toBe(202)
    await page.waitForFunction(`heard.join('').includes(${JSON.stringify(JSON.stringify(data))})`)
  }
  expect(plainBytes).toBeGreaterThan(10_000)
  expect(wireBytes).toBeGreaterThan(0)
  expect(wireBytes).toBeLessThan(plainBytes / 2)
})
