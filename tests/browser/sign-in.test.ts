/**
 * The page of a server with rights on, in a real Chromium.
 *
 * CA9   After a 401 a dialog asks for a token, keeps it for this tab, and everything goes on where it was.
 * CA10  The dialog works with the keyboard, for screen readers, at 360 px and in both colour schemes.
 * CA12  Signing out forgets the token and the cookie.
 * CA13  What somebody else has seen, and has wanted, does not stay.
 * CA14  The list of boards without a right to the dashboard.
 * PG11  The commands send the token in BOARDCAST_TOKEN, and show none.
 * PG12  The events panel shows who has caused an event.
 * AU27  A link with a ticket signs in after a question; no other page can answer it.
 */
import { execFile } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { actingAs, SECRET, sign, startServerWithRights, tokenFor } from '../support/tokens.ts'

const OTHER_SECRET = 'another secret of these tests longer than 32 bytes'

let browser: Browser
const pageErrors: string[] = []

beforeAll(async () => {
  browser = await launchChromium()
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

/** Somebody types a card, and sends it. */
function addCard(page: Page, title: string): Promise<void> {
  return page.evaluate(`{
    const form = document.querySelector('form.add-card')
    form.querySelector('input').value = ${JSON.stringify(title)}
    form.requestSubmit()
  }`)
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
    await page.locator('.pill', { hasText: 'Ended, not allowed' }).waitFor()
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
    await addCard(page, 'In flight')
    await token.fill(newToken)
    await submit.click()
    await page.locator('.card', { hasText: 'In flight' }).waitFor()
    expect(await page.locator('.card', { hasText: 'In flight' }).count()).toBe(1)
  })
})

describe('somebody else', () => {
  test('[CA12] signing out forgets the token, and shows nothing', async () => {
    const { page, dialog, token, submit, everything, owner } = await scene()
    await owner.post('/boards/demo/cards', { title: 'Seen' })
    await dialog.waitFor()
    const button = page.getByRole('button', { name: 'Sign out', includeHidden: true })
    expect(await button.isVisible()).toBe(false)
    await token.fill(everything)
    await submit.click()
    await page.locator('.card', { hasText: 'Seen' }).waitFor()
    await button.click()
    await dialog.filter({ hasText: 'asks for a token' }).waitFor()
    expect(await page.evaluate('sessionStorage.length')).toBe(0)
    expect(await page.locator('.card').count()).toBe(0)
  })

  test('[CA13] nothing of the one before stays, and what was being sent is not made', async () => {
    const rights = { subscribe: ['*'], publish: ['*'] }
    const { page, server, dialog, token, submit, owner } = await scene()
    await dialog.waitFor()
    await token.fill(await sign({ sub: 'ann', boardcast: rights }))
    await submit.click()
    await isLive(page)
    await owner.post('/boards/demo/cards', { title: 'Seen by Ann' })
    await page.locator('.event-name').first().waitFor()
    await server.restart({ jwtSecrets: [OTHER_SECRET] })
    await dialog.waitFor()
    await addCard(page, 'Wanted by Ann')
    await token.fill(await sign({ sub: 'bob', boardcast: rights }, OTHER_SECRET))
    await submit.click()
    await dialog.waitFor({ state: 'detached' })
    await isLive(page)
    await page.locator('.card', { hasText: 'Seen by Ann' }).waitFor()
    expect(await page.locator('.event-name').count()).toBe(0)
    const bob = actingAs(server, await sign({ sub: 'bob', boardcast: rights }, OTHER_SECRET))
    const { body } = await bob.call('GET', '/boards/demo')
    expect(JSON.stringify(body)).not.toContain('Wanted by Ann')
  })

  test('[CA13] a board that one may no longer see is taken off the page, which takes another token', async () => {
    const { page, server, dialog, token, submit, owner } = await scene()
    await owner.post('/boards/demo/cards', { title: 'Seen before' })
    await dialog.waitFor()
    await token.fill(await sign({ sub: 'ann', boardcast: { subscribe: ['*'] } }))
    await submit.click()
    await page.locator('.card', { hasText: 'Seen before' }).waitFor()
    await page.getByRole('heading', { name: 'Demo', level: 1 }).waitFor()
    await server.restart({ jwtSecrets: [OTHER_SECRET] })
    await dialog.waitFor()
    await token.fill(await sign({ sub: 'ann', boardcast: { subscribe: ['board:other'] } }, OTHER_SECRET))
    await submit.click()
    await page.getByRole('alert').filter({ hasText: 'not allowed' }).waitFor()
    expect(await page.content()).not.toContain('Seen before')
    await page.getByRole('heading', { name: 'demo', exact: true, level: 1 }).waitFor()

    const another = page.getByRole('button', { name: 'Sign in with another token' })
    await another.click()
    await dialog.waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await another.click()
    await token.fill(await sign({ sub: 'ann', boardcast: { subscribe: ['*'] } }, OTHER_SECRET))
    await submit.click()
    await page.locator('.card', { hasText: 'Seen before' }).waitFor()
    await isLive(page)
  })

  test('[CA14] without a right to the dashboard the list says that it is not live', async () => {
    const { server, owner } = await scene()
    await owner.post('/boards', { id: 'secret', name: 'Secret' })
    const { page, dialog, token, submit } = await open(server, '/')
    await dialog.waitFor()
    await token.fill(await tokenFor(['board:demo']))
    await submit.click()
    await page.getByRole('link', { name: 'Demo' }).waitFor()
    await page.getByText('does not change by itself').waitFor()
    await page.getByRole('status').filter({ hasText: 'Not live' }).waitFor()
    expect(await page.getByRole('link', { name: 'Secret' }).count()).toBe(0)
    // The board itself is live, and so is the way back.
    await page.getByRole('link', { name: 'Demo' }).click()
    await isLive(page)
    await page.getByRole('link', { name: 'All boards' }).click()
    await page.getByRole('status').filter({ hasText: 'Not live' }).waitFor()
    await page.getByRole('link', { name: 'Demo' }).waitFor()
  })
})

describe('the dialog', () => {
  test('[CA9] what is no token is not sent, and "Bearer" in front of one is dropped', async () => {
    const { page, dialog, token, submit, problem, everything } = await scene()
    await dialog.waitFor()
    for (const text of ['日本', 'two words']) {
      await token.fill(text)
      await submit.click()
      await problem.filter({ hasText: 'This is not a token' }).waitFor()
      await token.fill('')
      await submit.click()
      await problem.filter({ hasText: 'Paste a token' }).waitFor()
    }
    await token.fill(`Bearer ${everything}`)
    await submit.click()
    await isLive(page)
  })

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

describe('the commands', () => {
  /** Runs a command as it was copied, with the token in the environment. */
  const run = (command: string, token: string) =>
    promisify(execFile)('sh', ['-c', command], { env: { ...process.env, BOARDCAST_TOKEN: token } })

  test('[PG11] work with the token in BOARDCAST_TOKEN, and show none', async () => {
    const server = await serve()
    const everything = await tokenFor(['*'])
    const { page, dialog, token, submit } = await open(server, '/', { viewport: { width: 360, height: 640 } })
    await dialog.waitFor()
    await token.fill(everything)
    await submit.click()
    await page.getByRole('heading', { name: 'Make the first board' }).waitFor()
    const header = '-H "Authorization: Bearer $BOARDCAST_TOKEN"'
    const [create = '', post = '', ...others] = await page.locator('.command-text').allTextContents()
    expect(create).toBe(`curl ${header} --json '{"id":"demo","name":"Demo"}' ${server.url}/api/v1/boards`)
    expect(post).toContain(`curl ${header} --json `)
    // It reads the variable by itself.
    expect(others).toEqual([`node dist/cli.js demo --url ${server.url}`])
    await run(create, everything)
    await run(post, everything)
    await page.getByRole('link', { name: 'Demo' }).click()
    await page.locator('.card', { hasText: 'Hello from curl' }).waitFor()

    const ofBoard = page.locator('.command-text', { hasText: '/attempts' })
    await ofBoard.waitFor()
    const [watch = '', start = ''] = await page.locator('.command-text').allTextContents()
    expect(watch).toBe(`curl -N ${header} '${server.url}/sse?boardId=demo'`)
    expect((await run(`${watch} -s --max-time 1 || true`, everything)).stdout).toContain('event: state')
    await run(start, everything)
    await page.locator('.badge[data-status=running]').waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    expect(await page.evaluate<string>('document.documentElement.outerHTML')).not.toContain(everything)
  })

  test('[PG11] have no token while rights are off', async () => {
    await using server = await startTestServer()
    const { page } = await open(server, '/')
    await page.getByRole('heading', { name: 'Make the first board' }).waitFor()
    expect((await page.locator('.command-text').allTextContents()).join()).not.toContain('Authorization')
  })
})

describe('the events panel', () => {
  test('[PG12] shows who has caused an event, as text', async () => {
    const { page, server, owner, dialog, token, submit, everything } = await scene()
    const hostile = '<img src=x onerror="document.title=\'owned\'">'
    const [ann, other] = await Promise.all(
      ['ann', hostile].map(async (sub) => actingAs(server, await tokenFor(['*'], ['*'], { sub }))),
    )
    await dialog.waitFor()
    await token.fill(everything)
    await submit.click()
    await isLive(page)
    const ids: string[] = []
    for (const holder of [ann, other, owner]) {
      ids.push((await holder!.post('/boards/demo/cards', { title: 'By somebody' })).eventId)
    }
    const actorOf = async (id: string) => {
      const row = page.locator('.events li', { has: page.locator('.event-id', { hasText: id }) }).first()
      await row.waitFor()
      return row.locator('.event-actor').allTextContents()
    }
    expect([await actorOf(ids[0] ?? ''), await actorOf(ids[1] ?? ''), await actorOf(ids[2] ?? '')]).toEqual([
      ['ann'],
      [hostile],
      [],
    ])
    expect(await page.title()).not.toContain('owned')
  })
})

describe('a link that signs in', () => {
  /** A link on a page of another origin. */
  async function followed(ticketOf: string) {
    const server = await serve()
    const owner = actingAs(server, await tokenFor(['*']))
    await owner.post('/boards', { id: 'demo', name: 'Demo' })
    const { ticket } = await actingAs(server, ticketOf).post<{ ticket: string }>('/tickets', {})
    const elsewhere = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html').end(`<a href="${server.url}/?board=demo&ticket=${ticket}">Go</a>`)
    })
    await new Promise<void>((resolve) => elsewhere.listen(0, 'localhost', resolve))
    onTestFinished(() => {
      elsewhere.closeAllConnections()
      elsewhere.close()
    })
    const context = await browser.newContext()
    onTestFinished(() => context.close())
    const page = await context.newPage()
    await page.goto(`http://localhost:${(elsewhere.address() as AddressInfo).port}/`)
    await page.getByRole('link', { name: 'Go' }).click()
    await page.getByRole('heading', { name: 'Sign in as mallory?' }).waitFor()
    expect(await context.cookies()).toEqual([])
    return { server, page, context }
  }

  const mallory = () => tokenFor(['*'], ['*'], { sub: 'mallory' })

  test('[AU27] asks first, and after a yes the page is live', async () => {
    const { server, page, context } = await followed(await mallory())
    // Its own style is allowed by its policy.
    expect(await page.evaluate(`getComputedStyle(document.querySelector('form')).display`)).toBe('flex')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await isLive(page)
    expect(page.url()).toBe(`${server.url}/?board=demo`)
    expect(await context.cookies()).toMatchObject([{ name: 'boardcast_token', httpOnly: true, sameSite: 'Lax' }])
  })

  test('[CA12] [AU29] signing out takes the cookie away, and the page asks for a token', async () => {
    const { page, context } = await followed(await mallory())
    await page.getByRole('button', { name: 'Sign in' }).click()
    await isLive(page)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await parts(page).dialog.filter({ hasText: 'asks for a token' }).waitFor()
    expect(await context.cookies()).toEqual([])
  })

  test('[AU27] after a no there is no cookie, and the page asks for a token', async () => {
    const { server, page, context } = await followed(await mallory())
    await page.getByRole('link', { name: 'Cancel' }).click()
    await parts(page).dialog.waitFor()
    expect(page.url()).toBe(`${server.url}/?board=demo`)
    expect(await context.cookies()).toEqual([])
  })

  test('[AU27] another page cannot answer for the user', async () => {
    const { server, page, context } = await followed(await mallory())
    const token = await page.locator('input[name=token]').inputValue()
    await page.goBack()
    await page.evaluate(`{
      document.body.innerHTML = '<form method="post" action="${server.url}/sign-in"><input name="token" value="${token}"></form>'
      document.querySelector('form').submit()
    }`)
    await page.waitForURL(`${server.url}/sign-in`)
    expect(await page.locator('body').textContent()).toContain('forbidden')
    expect(await context.cookies()).toEqual([])
  })
})
