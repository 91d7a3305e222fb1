/** The page under its content security policy, in a real Chromium. Rules HA1 and HA2 of docs/security.md. */
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { makeBoard, makeWork } from '../support/board.ts'
import { launchChromium } from '../support/chromium.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const PUBLIC = 'board.test'

let browser: Browser
let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ hosts: [PUBLIC] })
  browser = await launchChromium({ args: [`--host-resolver-rules=MAP ${PUBLIC} 127.0.0.1`] })
})
afterAll(async () => {
  await browser.close()
  await server[Symbol.asyncDispose]()
})

async function newPage(options: Parameters<Browser['newContext']>[0] = {}) {
  const context = await browser.newContext(options)
  onTestFinished(() => context.close())
  const page = await context.newPage()
  const said: string[] = []
  page.on('console', (message) => said.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => said.push(error.message))
  await page.addInitScript(`
    window.violations = []
    addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective + ' ' + event.blockedURI))
  `)
  return { page, said }
}

const violations = (page: Page) => page.evaluate<string[]>('window.violations')

test.each(['dark', 'light'] as const)(
  '[HA1] works in its policy without a word on the console: %s',
  async (colorScheme) => {
    const { boardId, card, attempt } = await makeWork(server)
    const { page, said } = await newPage({ colorScheme })
    const answer = await page.goto(`${server.url}/?board=${boardId}`)
    const policy = answer?.headers()['content-security-policy']?.split('; ')
    expect(policy).toEqual([
      "default-src 'self'",
      "object-src 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "require-trusted-types-for 'script'",
    ])
    await page.locator('.card', { hasText: card.title }).waitFor()

    // What the page does with styles, icons, text of others, requests and its stream.
    await server.call('POST', `/attempts/${attempt.id}/logs`, {
      message: '\u001b[38;2;255;0;0mred\u001b[0m <b>x</b>',
      level: 'warn',
    })
    await page.locator('.lines .fg-own').waitFor()
    expect(await page.evaluate(`getComputedStyle(document.querySelector('.lines .fg-own')).color`)).toEqual(
      expect.stringMatching(/^oklch\(0\.\d+ 0\.25\d+ 29\./),
    )
    await page.locator('#card-title').fill('By the page')
    await page.keyboard.press('Enter')
    await page.locator('.card', { hasText: 'By the page' }).waitFor()
    await page.getByRole('link', { name: 'All boards' }).click()
    await page.getByRole('heading', { name: 'Boards' }).first().waitFor()

    expect(await violations(page)).toEqual([])
    expect(said).toEqual([])
  },
)

test('[HA1] forbids scripts in the text of the page, code from text, markup from text, and foreign addresses', async () => {
  const { boardId } = await makeWork(server)
  const { page } = await newPage()
  await page.goto(`${server.url}/?board=${boardId}`)
  await page.locator('.card').first().waitFor()
  const tries = await page.evaluate<Record<string, string>>(`(async () => {
    const attempt = async (work) => {
      try { return String((await work()) ?? 'done') } catch (error) { return error.name }
    }
    const script = document.createElement('script')
    script.append('window.owned = true')
    return {
      script: await attempt(() => document.body.append(script)),
      markup: await attempt(() => { document.body.innerHTML = '<img src=x onerror="window.owned = true">' }),
      // Not on the debugger's own stack, where everything is allowed.
      code: await new Promise((resolve) => setTimeout(() => resolve(attempt(() => (0, eval)('window.owned = true'))))),
      foreign: await attempt(() => fetch('http://127.0.0.1:9/').then(() => 'open')),
      socket: await attempt(() => new Promise((resolve, reject) => {
        const socket = new WebSocket('ws://127.0.0.1:9/')
        socket.onerror = () => reject(new TypeError())
      })),
      ours: await attempt(() => fetch('/health').then(({ ok }) => ok)),
      owned: String(window.owned),
    }
  })()`)
  expect(tries).toMatchObject({
    markup: 'TypeError',
    foreign: 'TypeError',
    socket: 'TypeError',
    ours: 'true',
    owned: 'undefined',
  })
  expect(tries.script).toMatch(/TypeError|done/)
  expect(tries.code).toMatch(/Error$/)
})

test('[HA1] cannot be shown in a frame, even of its own origin', async () => {
  const { page } = await newPage()
  await page.goto(`${server.url}/health/live`)
  const front = await page.evaluate<string>(`new Promise((resolve) => {
    const frame = document.createElement('iframe')
    frame.src = '/'
    frame.onload = () => resolve(frame.contentDocument ? 'shown' : 'refused')
    document.body.append(frame)
  })`)
  expect(front).toBe('refused')
})

test('[HA2] has its window to itself, where the browser can promise that', async () => {
  const board = await makeBoard(server)
  const ours = await newPage()
  const answer = await ours.page.goto(`${server.url}/?board=${board.id}`)
  expect(answer?.headers()['cross-origin-opener-policy']).toBe('same-origin')

  // Without TLS a browser would ignore the header, and report that as an error.
  const plain = await newPage()
  const without = await plain.page.goto(`http://${PUBLIC}:${server.port}/?board=${board.id}`)
  expect(without?.status()).toBe(200)
  expect(without?.headers()['cross-origin-opener-policy']).toBeUndefined()
  await plain.page.getByRole('heading', { name: board.name }).waitFor()
  expect(plain.said).toEqual([])
})
