/**
 * Pages without permission for what `share: 'browser'` needs, in a real Chromium: documents without an origin, blocked
 * cookies, plain http beyond this machine, a policy that allows no connection.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Frame, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { buildPage, Front } from '../client/support/front.ts'
import { makeBoard, makeCard } from '../support/board.ts'
import { CHROMIUM } from '../support/chromium.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let built: Awaited<ReturnType<typeof buildPage>>

beforeAll(async () => {
  built = await buildPage()
})

afterAll(() => built?.remove())

interface Scene {
  readonly server: TestServer
  readonly front: Front
  readonly context: BrowserContext
  readonly boardId: string
}

interface Browsing {
  readonly preferences?: object
  readonly args?: string[]
  /** Names besides those of loopback that the server is asked by. */
  readonly hosts?: readonly string[]
}

async function scene({ preferences = {}, args = [], hosts = [] }: Browsing = {}): Promise<Scene> {
  const server = await startTestServer({ hosts })
  const front = await Front.to(server.port, built.folder)
  const profile = mkdtempSync(join(tmpdir(), 'boardcast-chromium-'))
  mkdirSync(join(profile, 'Default'))
  writeFileSync(join(profile, 'Default', 'Preferences'), JSON.stringify(preferences))
  const context = await chromium.launchPersistentContext(profile, {
    ...CHROMIUM,
    args: [...CHROMIUM.args, ...args],
  })
  onTestFinished(async () => {
    await context.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    await front[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  const { id: boardId } = await makeBoard(server)
  return { server, front, context, boardId }
}

/** Counts requests for locks, and creates a hub that shares with all tabs. */
const begin = (baseUrl: string, boardId: string) => `{
  window.requests = 0
  const { locks } = navigator
  if (locks) {
    const request = locks.request.bind(locks)
    locks.request = (...asked) => { requests += 1; return request(...asked) }
  }
  window.hub = client.createClient({ baseUrl: '${baseUrl}', share: 'browser', backoff: { firstMs: 50, maxMs: 200 } })
  window.board = hub.board('${boardId}')
  window.heard = []
  board.subscribe(() => {})
  hub.subscribe({ channels: ['board:${boardId}'] }, { event: ({ id }) => heard.push(id) })
}`

/** It has the board and its changes, over its own stream. */
async function worksAlone({ server, boardId }: Scene, page: Page | Frame, baseUrl: string): Promise<void> {
  await page.waitForFunction('window.client')
  await page.evaluate(begin(baseUrl, boardId))
  await page.waitForFunction(`board.get().phase === 'live'`)
  const { eventId } = await makeCard(server, boardId)
  await page.waitForFunction(`heard.includes('${eventId}')`)
  expect(await page.evaluate('hub.status.get().role')).toBe('alone')
  expect(await page.evaluate('requests')).toBeLessThan(5)
}

test('[CS8] a document without an origin (iframe sandbox="allow-scripts")', async () => {
  const it = await scene()
  const page = await it.context.newPage()
  await page.goto(`${it.front.url}/page/sandbox`)
  const [, frame] = page.frames()
  if (!frame) throw new Error('no frame')
  await frame.waitForFunction('window.client')
  // The condition under test is there.
  expect(await frame.evaluate(`navigator.locks.request('x', () => 0).catch(({ name }) => name)`)).toBe('SecurityError')
  await worksAlone(it, frame, it.front.url)
})

test('[CS8] blocked cookies', async () => {
  const it = await scene({ preferences: { profile: { default_content_setting_values: { cookies: 2 } } } })
  const page = await it.context.newPage()
  await page.goto(`${it.front.url}/page/`)
  expect(await page.evaluate(`navigator.locks.request('x', () => 0).catch(({ name }) => name)`)).toBe('SecurityError')
  await worksAlone(it, page, it.front.url)
})

test('[CS8] plain http on another host, without locks and randomUUID', async () => {
  const it = await scene({ args: ['--host-resolver-rules=MAP hub.test 127.0.0.1'], hosts: ['hub.test'] })
  const page = await it.context.newPage()
  const url = it.front.url.replace('127.0.0.1', 'hub.test')
  await page.goto(`${url}/page/`)
  expect(await page.evaluate('[isSecureContext, navigator.locks, crypto.randomUUID]')).toEqual([
    false,
    undefined,
    undefined,
  ])
  await worksAlone(it, page, url)
})

test.each(['fetch', 'eventsource', 'ws'] as const)(
  '[CL30] a policy that allows no connection, over %s: it is tried after pauses, and the page lives',
  async (transport) => {
    const it = await scene()
    const page = await it.context.newPage()
    await page.goto(`${it.front.url}/page/?policy=${encodeURIComponent("connect-src 'none'")}`)
    await page.waitForFunction('window.client')
    await page.evaluate(`{
      window.violations = 0
      window.rejections = []
      addEventListener('securitypolicyviolation', () => { violations += 1 })
      addEventListener('unhandledrejection', ({ reason }) => { rejections.push(String(reason)) })
      window.hub = client.createClient({ baseUrl: '${it.front.url}', transport: '${transport}', share: 'browser' })
      hub.subscribe({ channels: ['board:${it.boardId}'] }, {})
    }`)
    await page.waitForFunction('hub.status.get().attempt >= 3')
    const { attempt } = (await page.evaluate('hub.status.get()')) as { attempt: number }
    // The stream, and the probe of its refusal.
    expect(await page.evaluate('violations')).toBeLessThanOrEqual(2 * attempt + 2)
    expect(await page.evaluate('rejections')).toEqual([])
  },
)
