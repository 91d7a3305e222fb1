/** The page of the contract in a real Chromium. What is on it: tests/contract-docs/docs-page.test.ts. */
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { CHROMIUM, launchChromium } from '../support/chromium.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const STANDARDS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
/** Entries of one kind are alike, so axe looks at one of each. */
const MAX_ENTRIES = 1

const isMissing = !existsSync(CHROMIUM.executablePath)

describe.skipIf(isMissing)(isMissing ? `/docs (no Chromium at ${CHROMIUM.executablePath})` : '/docs', () => {
  let server: TestServer
  let browser: Browser
  beforeAll(async () => {
    server = await startTestServer()
    browser = await launchChromium()
  })
  afterAll(async () => {
    await browser.close()
    await server[Symbol.asyncDispose]()
  })

  async function open(options: BrowserContextOptions = {}, anchor = '') {
    const context = await browser.newContext(options)
    onTestFinished(() => context.close())
    const page = await context.newPage()
    const said: string[] = []
    const elsewhere: string[] = []
    page.on('console', (message) => said.push(message.text()))
    page.on('pageerror', (error) => said.push(error.message))
    await context.route('**/*', (route) => {
      const url = route.request().url()
      if (url.startsWith(server.url)) return route.continue()
      elsewhere.push(url)
      return route.abort()
    })
    await page.goto(`${server.url}/docs${anchor}`)
    return { page, said, elsewhere }
  }

  test('[CON18c] can be read as a whole without JavaScript', async () => {
    const { page, said, elsewhere } = await open({ javaScriptEnabled: false })
    expect(await page.locator('h1').textContent()).toBe('API')
    expect(await page.getByRole('search').count()).toBe(0)
    for (const name of ['createCard', 'board.card_moved', 'control.hello', 'client.subscribe', 'error-conflict']) {
      const article = page.locator(`[id="${name}"]`)
      await article.scrollIntoViewIfNeeded()
      expect(await article.isVisible(), name).toBe(true)
    }
    // What is folded opens.
    const folded = page.locator('#getBoard details').first()
    await folded.locator('summary').click()
    expect(await folded.locator('pre').isVisible()).toBe(true)
    expect([said, elsewhere]).toEqual([[], []])
  })

  test('[CON18c] [CON18a] finds by a search, with the keyboard alone', async () => {
    const { page, said, elsewhere } = await open()
    await page.keyboard.press('/')
    await page.keyboard.type('card_mov')
    const results = page.locator('#results a')
    expect(await results.first().getAttribute('href')).toMatch(/card_moved$/)
    expect(await page.getByRole('status').textContent()).toMatch(/^\d+ found$/)
    await page.keyboard.press('Enter')
    await expect.poll(() => page.url()).toMatch(/#board\.card_moved$/)
    expect(await results.first().isVisible()).toBe(false)
    expect(await page.locator('[id="board.card_moved"]').isVisible()).toBe(true)

    await page.getByRole('searchbox').fill('POST boards cards')
    await page.keyboard.press('ArrowDown')
    expect(await page.evaluate('document.activeElement.getAttribute("href")')).toBe('#createCard')
    await page.keyboard.press('Escape')
    expect(await results.first().isVisible()).toBe(false)
    await page.getByRole('searchbox').fill('nothing has this name')
    expect(await page.getByText('Nothing found').isVisible()).toBe(true)
    expect([said, elsewhere]).toEqual([[], []])
  })

  test('[CON18b] works under a path', async () => {
    await using proxied = await startTestServer({ basePath: '/tools/board' })
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    const page = await context.newPage()
    const asked: string[] = []
    page.on('response', (response) => asked.push(`${response.status()} ${new URL(response.url()).pathname}`))
    await page.goto(`${proxied.url}/tools/board/docs`)
    await page.getByRole('searchbox').fill('getBoard')
    await page.locator('#results a').first().click()
    expect(page.url()).toBe(`${proxied.url}/tools/board/docs#getBoard`)
    const files = ['docs', 'docs/page.css', 'docs/search.js'].map((path) => `200 /tools/board/${path}`)
    expect(asked).toEqual(expect.arrayContaining(files))
    expect(asked.filter((answer) => !answer.startsWith('200 /tools/board/docs'))).toEqual([])
    await page.locator('[id="board.card_moved"] a', { hasText: 'JSON Schema' }).click()
    expect(await page.textContent('body')).toContain('"CardMoved"')
  })

  test('[CON18a] [HA1] keeps to its policy', async () => {
    const { page, said, elsewhere } = await open()
    await page.addScriptTag({ content: 'window.owned = 1' }).catch(() => undefined)
    expect(await page.evaluate('window.owned')).toBeUndefined()
    expect(said.length).toBeGreaterThan(0)
    expect(elsewhere).toEqual([])
  })

  test('[CON18d] skips to its content, fits every width, and is printed as a whole', async () => {
    const { page } = await open()
    await page.keyboard.press('Tab')
    const focused = `(() => {
      const { id, textContent, offsetTop } = document.activeElement
      return { id, text: textContent.slice(0, 20), offsetTop, outline: getComputedStyle(document.activeElement).outlineWidth }
    })()`
    expect(await page.evaluate(focused)).toMatchObject({ text: 'Skip to content', offsetTop: 8, outline: '2px' })
    await page.keyboard.press('Enter')
    expect(await page.evaluate(focused)).toMatchObject({ id: 'content' })

    // Everything is laid out, what is far away too.
    await page.evaluate(`(() => {
      for (const article of document.querySelectorAll('article')) article.style.contentVisibility = 'visible'
    })()`)
    for (const width of [320, 768, 1440]) {
      await page.setViewportSize({ width, height: 800 })
      const needed = await page.evaluate<number>('document.documentElement.scrollWidth')
      expect(needed, `${width} px`).toBeLessThanOrEqual(width)
    }

    await page.emulateMedia({ media: 'print' })
    const isShown = (selector: string) => page.evaluate(`document.querySelector('${selector}').checkVisibility()`)
    expect(await isShown('nav')).toBe(false)
    expect(await isShown('main details:not([open]) pre')).toBe(true)
    await page.emulateMedia({ media: 'screen' })
    expect(await isShown('main details:not([open]) pre')).toBe(false)
  })

  test.each(['light', 'dark'] as const)('[CON18d] has nothing that axe finds: %s', async (colorScheme) => {
    const { page } = await open({ colorScheme, viewport: { width: 1440, height: 900 } })
    await page.evaluate(`(() => {
      for (const part of document.querySelectorAll('.part')) {
        for (const article of [...part.querySelectorAll('article')].slice(${MAX_ENTRIES})) article.remove()
      }
      for (const article of document.querySelectorAll('article')) article.style.contentVisibility = 'visible'
      for (const details of document.querySelectorAll('main details')) details.open = true
    })()`)
    await page.evaluate(AXE)
    const found = await page.evaluate<Array<{ id: string; nodes: Array<{ html: string }> }>>(
      `axe.run({ runOnly: ${JSON.stringify(STANDARDS)}, resultTypes: ['violations'] }).then(({ violations }) => violations)`,
    )
    expect(found.flatMap(({ id, nodes }) => nodes.map(({ html }) => [id, html]))).toEqual([])
  })
})
