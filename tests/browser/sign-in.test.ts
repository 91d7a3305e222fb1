/**
 * The page of a server with rights on, in a real Chromium.
 *
 * CA9   After a 401 a dialog asks for a token, keeps it for this tab, and everything goes on where it was.
 * CA10  The dialog works with the keyboard, for screen readers, at 360 px and in both colour schemes.
 */
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { TestServer } from '../support/server.ts'
import { actingAs, SECRET, sign, startServerWithRights, tokenFor } from '../support/tokens.ts'

const OTHER_SECRET = 'another secret of these tests longer than 32 bytes'

let browser: Browser
const pageErrors: string[] = []

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
  })
})

afterAll(() => browser.close())

afterEach(() => {
  expect(pageErrors.splice(0)).toEqual([])
})

async function serve(secrets: readonly string[] = [SECRET]): Promise<TestServer> {
  const server = await startServerWithRights({ jwtSecrets: secrets })
  onTestFinished(() => server.close())
  return server
}

/** A server with a board, what may do everything there, and a page that shows the board. */
async function scene(options: BrowserContextOptions = {}) {
  const server = await serve()
  const everything = await tokenFor(['*'])
  const owner = actingAs(server, everything)
  await owner.post('/boards', { id: 'demo', name: 'Demo' })
  return { server, everything, owner, ...(await open(server, '/?board=demo', options)) }
}

async function open(server: TestServer, path: string, options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options)
  onTestFinished(() => context.close())
  const page = await context.newPage()
  page.on('pageerror', (error) => pageErrors.push(error.message))
  await page.goto(`${server.url}${path}`)
  return { page, context, ...parts(page) }
}

function parts(page: Page) {
  const dialog = page.getByRole('dialog', { name: 'Sign in' })
  return {
    dialog,
    token: dialog.getByRole('textbox', { name: 'Token' }),
    submit: dialog.getByRole('button', { name: 'Sign in' }),
    problem: dialog.getByRole('alert'),
    pill: page.getByRole('status').filter({ hasText: /Live|Signed out|Connecting|Reconnecting/ }),
  }
}

async function isLive(page: Page): Promise<void> {
  await page.locator('.pill[data-phase=live]').waitFor()
}

describe('signing in', () => {
  test('[CA9] a dialog asks for a token, keeps it for this tab, and the page goes on', async () => {
    const { page, context, server, owner, dialog, token, submit, problem, everything } = await scene()
    await dialog.waitFor()
    await page.locator('.pill', { hasText: 'Signed out' }).waitFor()
    await token.fill('nonsense')
    await submit.click()
    await problem.filter({ hasText: 'does not accept' }).waitFor()
    expect(await token.getAttribute('aria-invalid')).toBe('true')
    // Nothing of it is kept.
    expect(await page.evaluate('sessionStorage.length')).toBe(0)

    await token.fill(`  ${everything}\n`)
    await submit.click()
    await dialog.waitFor({ state: 'detached' })
    await isLive(page)
    await owner.post('/boards/demo/cards', { title: 'After signing in' })
    await page.locator('.card', { hasText: 'After signing in' }).waitFor()

    expect(await page.evaluate('Object.values(sessionStorage)')).toEqual([everything])
    expect(page.url()).toBe(`${server.url}/?board=demo`)
    // For this tab: a reload still has it, another tab has not.
    await page.reload()
    await isLive(page)
    const another = await context.newPage()
    await another.goto(server.url)
    await parts(another).dialog.waitFor()
  })

  test('[CA9] a list that was refused is read after signing in, and shows what one may see', async () => {
    const { server, owner } = await scene()
    await owner.post('/boards', { id: 'secret', name: 'Secret' })
    const { page, dialog, token, submit } = await open(server, '/')
    await dialog.waitFor()
    await token.fill(await tokenFor(['board:demo', 'dashboard']))
    await submit.click()
    await page.getByRole('link', { name: 'Demo' }).waitFor()
    await isLive(page)
    expect(await page.getByRole('link', { name: 'Secret' }).count()).toBe(0)
  })

  test('[CA9] what one may not see is said, and no dialog comes', async () => {
    const { page, dialog, token, submit } = await scene()
    await token.fill(await tokenFor(['board:other']))
    await submit.click()
    await page.getByRole('alert').filter({ hasText: 'not allowed' }).waitFor()
    expect(await dialog.count()).toBe(0)
  })

  test('[CA9] a cookie works without a dialog', async () => {
    const server = await serve()
    const everything = await tokenFor(['*'])
    await actingAs(server, everything).post('/boards', { id: 'demo', name: 'Demo' })
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    await context.addCookies([{ name: 'boardcast_token', value: everything, url: server.url }])
    const page = await context.newPage()
    await page.goto(`${server.url}/?board=demo`)
    await isLive(page)
    await page.getByRole('textbox', { name: 'Add a card' }).fill('With a cookie')
    await page.getByRole('button', { name: 'Add card' }).click()
    await page.locator('.card', { hasText: 'With a cookie' }).waitFor()
    expect(await parts(page).dialog.count()).toBe(0)
  })
})

describe('a token that is no longer accepted', () => {
  /** A live board, and the same server with another secret. */
  async function refused() {
    const it = await scene()
    await it.dialog.waitFor()
    await it.token.fill(it.everything)
    await it.submit.click()
    await isLive(it.page)
    await it.owner.post('/boards/demo/cards', { title: 'Before' })
    await it.page.locator('.card', { hasText: 'Before' }).waitFor()
    await it.server.restart({ jwtSecrets: [OTHER_SECRET] })
    const newToken = await sign({ boardcast: { subscribe: ['*'], publish: ['*'] } }, OTHER_SECRET)
    return { ...it, newToken, newOwner: actingAs(it.server, newToken) }
  }

  test('[CA9] the page goes on where it was, with what happened meanwhile', async () => {
    const { page, dialog, token, submit, newToken, newOwner } = await refused()
    await dialog.filter({ hasText: 'expired' }).waitFor()
    // It stays usable to look at.
    expect(await page.locator('.card', { hasText: 'Before' }).count()).toBe(1)
    await newOwner.post('/boards/demo/cards', { title: 'Meanwhile' })
    await token.fill(newToken)
    await submit.click()
    await isLive(page)
    await page.locator('.card', { hasText: 'Meanwhile' }).waitFor()
    // The events panel has both: nothing was missed.
    const names = await page.locator('.event-name').allTextContents()
    expect(names.filter((name) => name === 'card_created')).toHaveLength(2)
  })

  test('[CA9] a change that was refused is made after signing in', async () => {
    const { page, dialog, token, submit, newToken } = await refused()
    await dialog.waitFor()
    // As when the token lapses while the form is being sent.
    await page.evaluate(`{
      const form = document.querySelector('form.add-card')
      form.querySelector('input').value = 'In flight'
      form.requestSubmit()
    }`)
    await token.fill(newToken)
    await submit.click()
    await page.locator('.card', { hasText: 'In flight' }).waitFor()
    expect(await page.locator('.card', { hasText: 'In flight' }).count()).toBe(1)
  })
})

describe('the dialog', () => {
  test('[CA10] works with the keyboard alone, and Escape does not close it', async () => {
    const { page, dialog, problem, everything } = await scene()
    await dialog.waitFor()
    expect(await page.evaluate('document.activeElement.name')).toBe('token')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    expect(await dialog.isVisible()).toBe(true)
    await page.keyboard.press('Enter')
    await problem.filter({ hasText: 'Paste a token' }).waitFor()
    await page.keyboard.type('wrong')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await problem.filter({ hasText: 'does not accept' }).waitFor()
    // Back in the field, with the wrong text selected.
    await page.keyboard.insertText(everything)
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    await isLive(page)
  })

  test.each(['light', 'dark'] as const)('[CA10] fits 360 px, %s', async (colorScheme) => {
    const { page, dialog, token, submit, problem } = await scene({ colorScheme, viewport: { width: 360, height: 640 } })
    await dialog.waitFor()
    await token.fill('x'.repeat(2_000))
    await submit.click()
    await problem.filter({ hasText: 'does not accept' }).waitFor()
    const box = await dialog.boundingBox()
    expect(box && box.x >= 0 && box.x + box.width <= 360 && box.y >= 0 && box.y + box.height <= 640).toBe(true)
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    const folder = process.env.BOARDCAST_SCREENSHOTS
    if (folder) await page.screenshot({ path: `${folder}/sign-in-${colorScheme}.png` })
  })
})
