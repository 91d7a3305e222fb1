/**
 * The plain first page in a real Chromium against a real server. Rules of this file:
 *
 * PG1  Without a board the page shows how to create one, with commands that work on this server.
 * PG2  Changes made elsewhere show without a reload.
 * PG3  The page makes changes through the API, and shows refusals in the server's words.
 * PG4  Lines follow the end; a reader who scrolled up is not moved, and sees how many are new.
 * PG5  The page reconnects and has missed nothing; a gap shows as such.
 * PG6  A deleted or missing board shows as such.
 * PG7  The page works at 360 px, in both colour schemes, and with the keyboard alone.
 * PG8  Text from the wire is text. Nothing is written to the console.
 * PG9  The page listens to every name that a board's stream may carry.
 * PG10 Lines of the log are read as terminal text, by stream.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Attempt, Board, Card } from '../../shared/src/types/kanban.ts'
import { startServer } from '../../src/main.ts'
import { launchChromium } from '../support/chromium.ts'
import { scenarios } from '../support/scenarios/all.ts'
import { startTestServer } from '../support/server.ts'
import { storeAt } from '../support/stores.ts'

const HOSTILE = `<img src=x onerror="document.title='owned'"><b>bold</b>`

type Server = Awaited<ReturnType<typeof startServer>>

let browser: Browser
/** Undone in reverse order after each test. */
const undo: Array<() => Promise<unknown>> = []
const pageErrors: string[] = []

beforeAll(async () => {
  browser = await launchChromium({ args: ['--disable-component-update', '--disable-sync'] })
})

afterAll(() => browser.close())

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
  expect(pageErrors.splice(0)).toEqual([])
})

describe('without a board', () => {
  test('[PG1] shows the commands that make a board and post a card to it', async () => {
    const server = await serve()
    const { page } = await open(server)

    await page.getByRole('heading', { name: 'Make the first board' }).waitFor()
    const commands = await page.locator('.command-text').allTextContents()
    expect(commands).toEqual([
      `curl --json '{"id":"demo","name":"Demo"}' ${server.url}/api/v1/boards`,
      `curl --json '{"title":"Hello from curl"}' ${server.url}/api/v1/boards/demo/cards`,
      `node dist/cli.js demo --url ${server.url}`,
    ])
    expect(await page.getByRole('button', { name: /^Copy: / }).count()).toBe(3)
  })

  test('[PG1] copies a command', async () => {
    const server = await serve()
    const { page } = await open(server, { permissions: ['clipboard-read', 'clipboard-write'] })

    await page.getByRole('button', { name: 'Copy: Create a board' }).click()
    await page.getByText('Copied', { exact: true }).first().waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toMatch(/^curl --json /)
  })

  test('[PG2] a board posted elsewhere appears, with its counts, and the commands stay', async () => {
    const server = await serve()
    const { page } = await open(server)
    await page.getByRole('heading', { name: 'Make the first board' }).waitFor()

    await makeBoard(server, { id: 'demo', name: 'Demo' })
    const link = page.getByRole('link', { name: 'Demo' })
    await link.waitFor()
    await makeCard(server, 'demo', 'One')
    await link.getByText('1 of 1 cards open').waitFor()
    expect(await page.getByRole('heading', { name: 'Make the first board' }).isVisible()).toBe(true)

    await link.click()
    await card(page, 'One').waitFor()
    expect(page.url()).toBe(`${server.url}/?board=demo`)
  })

  test('[PG3] makes a demo board that prints', async () => {
    const server = await serve()
    const { page, consoleErrors } = await open(server)

    await page.getByRole('button', { name: 'Make a demo board' }).click()
    await card(page, 'Greet people by their name').waitFor()
    await page.locator('.message', { hasText: 'test result: ok.' }).waitFor()
    await page.locator('.badge[data-status=succeeded]').waitFor()
    expect(consoleErrors).toEqual([])
  })
})

describe('with a board', () => {
  test('[PG2] a card posted elsewhere appears in its column', async () => {
    const server = await serve()
    await makeBoard(server)
    const { page } = await openBoard(server)

    await post(server, '/boards/demo/cards', { title: 'Look again', columnKey: 'review', labels: ['urgent'] })
    const shown = column(page, 'Review').locator('.card', { hasText: 'Look again' })
    await shown.getByText('urgent').waitFor()
    expect(await shown.locator('.ticket').textContent()).toMatch(/^[A-Z0-9]+-1$/)
  })

  test('[PG2] an attempt shows as a badge and moves its card', async () => {
    const server = await serve()
    await makeBoard(server)
    const { id } = await makeCard(server, 'demo', 'Work')
    const { page } = await openBoard(server)
    await column(page, 'Backlog').locator('.card', { hasText: 'Work' }).waitFor()

    await makeAttempt(server, id)
    await column(page, 'In Progress').locator('.card', { hasText: 'Work' }).getByText('Running').waitFor()
  })

  test('[PG2] a line posted elsewhere appears in the log, coloured, and among the events', async () => {
    const server = await serve()
    const { page, attempt } = await openWorkingBoard(server)

    await post(server, `/attempts/${attempt.id}/logs`, { message: '\u001b[32mgreen\u001b[0m plain', level: 'warn' })
    const line = page.locator('.lines [data-level=warn]')
    await line.getByText('green plain').waitFor()
    expect(await line.locator('.fg-2').textContent()).toBe('green')
    await page.locator('.events').getByText('attempt_log', { exact: true }).waitFor()
  })

  test('[PG10] a log looks as in a terminal: 24-bit colours, across lines, without escape sequences', async () => {
    const server = await serve()
    const { page, attempt } = await openWorkingBoard(server)
    const log = (message: string, stream: 'stdout' | 'stderr' = 'stdout') =>
      post(server, `/attempts/${attempt.id}/logs`, { message, level: 'info', stream })

    await log('\u001b[38;2;255;0;0mred\u001b(B \u001b]0;title')
    await log('of stderr', 'stderr')
    await log('still red\u001b[m, 10 %\rno more\u001b[K\u0007 <b>')
    const lines = page.locator('.lines .message')
    await lines.getByText('of stderr').waitFor()
    await expect
      .poll(() => lines.allTextContents(), { timeout: 20_000 })
      .toEqual(['red ', 'of stderr', 'no more^G <b>'])
    expect(await page.locator('.lines .fg-own').allTextContents()).toEqual(['red '])
    const colour = await page.evaluate('getComputedStyle(document.querySelector(".lines .fg-own")).color')
    expect(colour).toMatch(/^oklch\(0\.(48|76)/)
  })

  test('[PG2] the status of a running attempt fills its badge and is not a new event', async () => {
    const server = await serve()
    const { page } = await openWorkingBoard(server)

    await page.locator('.badge[data-status=running]').waitFor()
    // The stream is past its opening when it shows what came after.
    await makeCard(server, 'demo', 'Later')
    await card(page, 'Later').waitFor()
    expect(await page.locator('.event-name', { hasText: 'attempt_status' }).count()).toBe(0)
    expect(await page.locator('.lines li').count()).toBe(0)
  })

  test('[PG3] adds a card', async () => {
    const server = await serve()
    await makeBoard(server)
    const { page, consoleErrors } = await openBoard(server)

    await page.getByLabel('Add a card').fill('From the page')
    await page.keyboard.press('Enter')
    await column(page, 'Backlog').locator('.card', { hasText: 'From the page' }).waitFor()
    expect(await page.getByLabel('Add a card').inputValue()).toBe('')
    expect(consoleErrors).toEqual([])
  })

  test('[PG3] shows why a card was refused and keeps the title', async () => {
    const server = await serve()
    await makeBoard(server)
    const { page } = await openBoard(server)
    const field = page.getByLabel('Add a card')

    await page.evaluate('document.getElementById("card-title").removeAttribute("maxlength")')
    await field.fill('x'.repeat(501))
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'title' }).waitFor()
    expect(await field.inputValue()).toHaveLength(501)
    expect(await field.getAttribute('aria-invalid')).toBe('true')
  })

  test('[PG4] a reader who scrolled up is not moved, and returns with one button', async () => {
    const server = await serve()
    const { page, attempt } = await openWorkingBoard(server)
    const print = (from: number, count: number) =>
      post(server, `/attempts/${attempt.id}/logs`, {
        lines: Array.from({ length: count }, (_, index) => ({ message: `line ${from + index}` })),
      })

    await print(0, 700)
    await page.locator('.message', { hasText: 'line 699' }).waitFor()
    expect(await page.locator('.lines li').count()).toBe(500)

    await page.evaluate('document.querySelector(".log").scrollTop = 100')
    await page.getByRole('button', { name: 'Jump to latest' }).waitFor()
    await print(700, 37)
    const jump = page.getByRole('button', { name: 'Jump to latest (37 new)' })
    await jump.waitFor()
    expect(await page.evaluate('document.querySelector(".log").scrollTop')).toBe(100)

    await jump.click()
    await page.locator('.message', { hasText: 'line 736' }).waitFor()
    expect(await jump.isVisible()).toBe(false)
    expect(await page.locator('.lines li').count()).toBe(500)
  })

  test('[PG5] after a restart of the server it is live without a reload, and nothing is missed', async () => {
    const dbPath = await databasePath()
    const first = await serve({ dbPath })
    const { page, context } = await openWorkingBoard(first)

    // Offline, the page cannot come back before everything has happened that it must not miss.
    await context.setOffline(true)
    await first.close()
    await phase(page, 'reconnecting')
    const second = await serve({ dbPath, port: first.port })
    const { id } = await makeCard(second, 'demo', 'Made meanwhile')
    const attempt = await makeAttempt(second, id)
    const lines = Array.from({ length: 50 }, (_, index) => ({ message: `missed ${index}` }))
    await post(second, `/attempts/${attempt.id}/logs`, { lines })
    await context.setOffline(false)

    await phase(page, 'live')
    await page.locator('.message', { hasText: 'missed 49' }).waitFor()
    await card(page, 'Made meanwhile').waitFor()
    const shown = await page.locator('.lines .message', { hasText: 'missed' }).allTextContents()
    expect(shown).toEqual(lines.map(({ message }) => message))
  })

  test('[PG5] another database at the same address shows as a gap, with the current state', async () => {
    const first = await serve()
    const { page, context } = await openWorkingBoard(first)

    await context.setOffline(true)
    await first.close()
    await phase(page, 'reconnecting')
    const second = await serve({ port: first.port })
    await makeBoard(second)
    await makeCard(second, 'demo', 'Of the other database')
    await context.setOffline(false)

    await card(page, 'Of the other database').waitFor()
    await phase(page, 'gap')
    await page.locator('.lines .note', { hasText: 'Gap (epoch)' }).waitFor()
    expect(await card(page, 'Work').count()).toBe(0)
  })

  test('[PG5] a login page in place of the server shows as an error, and it is live once that is gone', async () => {
    const dbPath = await databasePath()
    const first = await serve({ dbPath })
    const { page, context } = await openWorkingBoard(first)
    const asked: string[] = []
    await context.route(/\/(sse|api)/, (route) => {
      asked.push(route.request().method())
      return route.fulfill({ contentType: 'text/html', body: '<title>Log in</title>' })
    })
    await first.close()
    await serve({ dbPath, port: first.port })
    // The stream, and the probe of its refusal.
    await expect.poll(() => asked.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(2)
    await phase(page, 'reconnecting')
    await page.getByLabel('Add a card').fill('Not now')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'Something other than Boardcast answered' }).waitFor()
    expect(asked).toContain('POST')
    await context.unroute(/\/(sse|api)/)
    await phase(page, 'live')
  })

  test('[PG6] a deleted board shows as deleted, with a link back', async () => {
    const server = await serve()
    await makeBoard(server)
    const { page } = await openBoard(server)

    await fetch(`${server.url}/api/v1/boards/demo`, { method: 'DELETE' })
    await page.getByText('This board was deleted.').waitFor()
    await phase(page, 'ended')
    await page.getByRole('link', { name: 'Choose another board' }).click()
    await page.getByRole('heading', { name: 'Make the first board' }).waitFor()
  })

  test('[PG6] a board that never existed shows as missing', async () => {
    const server = await serve()
    const { page } = await open(server, {}, '/?board=nobody')

    await page.getByText('This board does not exist (any more).').waitFor()
    await phase(page, 'ended')
    expect(await page.getByRole('link', { name: 'Choose another board' }).isVisible()).toBe(true)
  })

  for (const colorScheme of ['light', 'dark'] as const) {
    test(`[PG7] nothing makes the page scroll sideways at 360 px (${colorScheme})`, async () => {
      const server = await serve()
      const { attempt } = await makeWork(server)
      const wide = { title: 'w'.repeat(400), labels: ['l'.repeat(100)], assignedAgentId: 'a'.repeat(60) }
      await post(server, '/boards/demo/cards', { ...wide, columnKey: 'done' })
      const { page } = await open(server, { viewport: { width: 360, height: 740 }, colorScheme }, '/?board=demo')
      await phase(page, 'live')
      await post(server, `/attempts/${attempt.id}/logs`, { message: 'm'.repeat(2_000) })
      await page.locator('.lines .message').waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)

      await page.getByRole('link', { name: 'All boards' }).click()
      await page.locator('.boards a').waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    })
  }

  test('[PG7] every control is reached with the keyboard, shows its focus and is 24 px or more', async () => {
    const server = await serve()
    const { page } = await openWorkingBoard(server)
    await card(page, 'Work').waitFor()

    await page.locator('h1').focus()
    const reached: string[] = []
    for (let step = 0; step < 8; step += 1) {
      await page.keyboard.press('Tab')
      const focus = await page.evaluate<{ name: string; outline: string; height: number }>(`(() => {
        const focused = document.activeElement
        const labelledBy = document.getElementById(focused.getAttribute('aria-labelledby'))
        return {
          name: focused.getAttribute('aria-label') ?? labelledBy?.textContent ?? (focused.textContent || focused.id),
          outline: getComputedStyle(focused).outlineStyle,
          height: focused.getBoundingClientRect().height,
        }
      })()`)
      reached.push(focus.name)
      expect(focus.outline, focus.name).toBe('solid')
      expect(focus.height, focus.name).toBeGreaterThanOrEqual(24)
    }
    expect(reached).toEqual([
      'card-title',
      'Add card',
      'Columns',
      'Copy: Watch this board in a terminal',
      expect.stringMatching(/^Copy: Print a line for /),
      'Log',
      'Pause',
      'Events',
    ])
  })

  test('[PG8] hostile text shows as it was written', async () => {
    const server = await serve()
    await makeBoard(server, { id: 'demo', name: HOSTILE })
    const work = await makeCard(server, 'demo', HOSTILE)
    const attempt = await makeAttempt(server, work.id)
    const { page, consoleErrors } = await openBoard(server)
    await post(server, `/attempts/${attempt.id}/logs`, { message: HOSTILE })

    await page.locator('h1', { hasText: HOSTILE }).waitFor()
    await card(page, HOSTILE).waitFor()
    await page.locator('.lines .message', { hasText: HOSTILE }).waitFor()
    expect(await page.locator('main img, main b').count()).toBe(0)
    expect(await page.title()).toBe(`${HOSTILE} · Boardcast`)
    expect(consoleErrors).toEqual([])

    await page.getByRole('link', { name: 'All boards' }).click()
    await page.locator('.board-name', { hasText: HOSTILE }).waitFor()
    expect(await page.locator('main img, main b').count()).toBe(0)
  })

  test.each(['<b>bold</b>', '..'])('[PG8] an address that names no board, %j, is that of the list', async (id) => {
    const server = await serve()
    await makeBoard(server, { id: 'demo', name: 'Demo' })
    const { page, consoleErrors } = await open(server, {}, `/?board=${encodeURIComponent(id)}`)
    await page.getByRole('link', { name: 'Demo' }).waitFor()
    expect(consoleErrors).toEqual([])
  })
})

test('[PG9] events of any name show among the events', async () => {
  await using server = await startTestServer()
  for (const type of ['git.commit.created', 'attempt.conversation.appended', 'column.created'] as const) {
    const scene = await scenarios[type](server)
    const { page } = await open(server, {}, `/?board=${scene.boardId}`)
    await phase(page, 'live')
    const { shows } = await scene.act()
    const [name = ''] = shows.board ?? []
    await page.locator('.event-name').getByText(name, { exact: true }).waitFor()
  }
})

async function databasePath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'boardcast-page-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'boardcast.db')
}

/** With its own database and a free port, unless given. */
async function serve(options: { dbPath?: string; port?: number } = {}): Promise<Server> {
  const store = await storeAt(options.dbPath ?? (await databasePath()))
  const server = await startServer({ port: options.port ?? 0, ...store })
  undo.push(() => server.close())
  return server
}

async function open(server: { readonly url: string }, options: BrowserContextOptions = {}, path = '/') {
  const context = await browser.newContext(options)
  undo.push(() => context.close())
  const page = await context.newPage()
  const consoleErrors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      consoleErrors.push(`${message.text()} ${message.location().url}`)
  })
  page.on('pageerror', (error) => pageErrors.push(error.message))
  await page.goto(`${server.url}${path}`)
  return { page, context, consoleErrors }
}

async function openBoard(server: Server) {
  const opened = await open(server, {}, '/?board=demo')
  await phase(opened.page, 'live')
  return opened
}

/** A board with one card that is being worked on, on screen. */
async function openWorkingBoard(server: Server) {
  const work = await makeWork(server)
  return { ...(await openBoard(server)), ...work }
}

async function makeWork(server: Server) {
  await makeBoard(server)
  const { id } = await makeCard(server, 'demo', 'Work')
  return { attempt: await makeAttempt(server, id) }
}

function makeBoard(server: Server, board = { id: 'demo', name: 'Demo' }): Promise<Board> {
  return post(server, '/boards', board)
}

function makeCard(server: Server, boardId: string, title: string): Promise<Card> {
  return post(server, `/boards/${boardId}/cards`, { title })
}

function makeAttempt(server: Server, cardId: string): Promise<Attempt> {
  return post(server, `/cards/${cardId}/attempts`, { agent: 'tester', status: 'running' })
}

async function post<Reply>(server: Server, path: string, body: object): Promise<Reply> {
  const response = await fetch(`${server.url}/api/v1${path}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(response.ok, `POST ${path} answered ${response.status}`).toBe(true)
  return (await response.json()) as Reply
}

function phase(page: Page, name: 'live' | 'reconnecting' | 'gap' | 'ended'): Promise<void> {
  return page.locator(`.pill[data-phase=${name}]`).waitFor()
}

function card(page: Page, title: string) {
  return page.locator('.card', { hasText: title })
}

function column(page: Page, title: string) {
  return page.locator('.column', { has: page.getByRole('heading', { name: title }) })
}
