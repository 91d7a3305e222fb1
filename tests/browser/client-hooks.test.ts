/**
 * The hooks of both frameworks in a real Chromium, against a real server, without a provider: the hub is that of the page's
 * own origin.
 *
 * CH1  One stream however many hooks, also in React's strict mode; closed after the last reader.
 * CH4  A burst of 10,000 events reaches a handler 10,000 times, in order, with at most one render per animation frame.
 * CH6  A move shows at once and reaches the server.
 * CH7  AgentOutput follows the end.
 */
import type { Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { builtPage } from '../client/support/built-page.ts'
import type { Front } from '../client/support/front.ts'
import { openStreams } from '../client/support/stats.ts'
import { boardState, eventually, makeCard, makeWork } from '../support/board.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const built = builtPage('tests/client/support/hook-page.ts')

interface Scene {
  readonly server: TestServer
  readonly front: Front
  readonly page: Page
  readonly boardId: string
  readonly attemptId: string
  readonly cardId: string
  /** The text of the board component. */
  text(wanted: string): Promise<unknown>
}

async function scene(framework: string): Promise<Scene> {
  const server = await startTestServer()
  const faults: string[] = []
  // Registered first, so it comes last.
  onTestFinished(() => expect(faults).toEqual([]))
  const { front, context } = await built.open(server)
  const { boardId, attempt, card } = await makeWork(server)
  const page = await context.newPage()
  page.on('pageerror', (error) => faults.push(String(error)))
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(message.text())
  })
  // The development builds of the frameworks: strict mode mounts everything twice.
  await page.addInitScript(`globalThis.process = { env: { NODE_ENV: 'development' } }`)
  await page.goto(`${front.url}/page/`)
  await page.waitForFunction('window.client')
  await page.evaluate(
    `window.hide = client.show(${JSON.stringify(framework)}, ${JSON.stringify({ boardId, attemptId: attempt.id })}); 0`,
  )
  const text = (wanted: string) => page.locator('main button', { hasText: new RegExp(`^${wanted}$`) }).waitFor()
  await text('true Live 0\\|1\\|0\\|0 0')
  return { server, front, page, boardId, attemptId: attempt.id, cardId: card.id, text }
}

describe.each(['React', 'Preact'])('%s', (framework) => {
  test('[CH1] [CH6] one stream, events, an own move, and no stream after the last component', async () => {
    const { server, front, page, boardId, cardId, text } = await scene(framework)
    expect(await openStreams(server)).toBe(1)
    await makeCard(server, boardId)
    await text('true Live 1\\|1\\|0\\|0 0')
    await page.locator('main button').first().click()
    await text('true Live 1\\|0\\|0\\|1 0')
    await eventually('the move', async () =>
      (await boardState(server, boardId)).columns[await doneColumn()]?.cardIds.includes(cardId),
    )
    expect([await openStreams(server), front.streams.length]).toEqual([1, 1])

    await page.evaluate('hide()')
    // The stores are kept for a while, and then the stream.
    await expect.poll(() => openStreams(server), { timeout: 30_000 }).toBe(0)
    expect(front.streams.length).toBe(1)

    async function doneColumn(): Promise<string> {
      const { columns } = await boardState(server, boardId)
      return Object.values(columns).find(({ key }) => key === 'done')?.id ?? ''
    }
  })

  test('[CH4] [CH7] a burst: every line comes once and in order, is drawn per animation frame, and the end is followed', async () => {
    const { server, page, attemptId, text } = await scene(framework)
    const messages = Array.from({ length: 10_000 }, (_, n) => `line ${n}`)
    const before = await page.evaluate<{ frames: number; renders: number }>('({ ...client.counts })')
    for (let from = 0; from < messages.length; from += 1_000) {
      const lines = messages.slice(from, from + 1_000).map((message) => ({ message }))
      await server.post(`/attempts/${attemptId}/logs`, { lines })
    }
    await text('true Live 0\\|1\\|0\\|0 10000')
    const after = await page.evaluate<{ frames: number; renders: number; heard: string[] }>('client.counts')
    expect(after.heard).toEqual(messages)
    // Strict mode renders everything twice.
    const renders = (after.renders - before.renders) / (framework === 'React' ? 2 : 1)
    expect(renders).toBeLessThanOrEqual(after.frames - before.frames + 1)
    expect(renders).toBeGreaterThan(0)

    const box = page.getByRole('log')
    await box.getByText('line 9999', { exact: true }).waitFor()
    expect(await box.locator('div').count()).toBe(1_000)
    const fromEnd = `(() => { const it = document.querySelector('[role=log]'); return it.scrollHeight - it.scrollTop - it.clientHeight })()`
    await page.waitForFunction(`${fromEnd} < 2`)
    await box.evaluate((element) => {
      ;(element as { scrollTop: number }).scrollTop = 0
    })
    await page.getByRole('button', { name: 'Jump to latest', exact: true }).waitFor()
    await server.post(`/attempts/${attemptId}/logs`, { message: 'one more' })
    await page.getByRole('button', { name: 'Jump to latest (1 new)' }).click()
    await page.waitForFunction(`${fromEnd} < 2`)
    expect(await page.getByRole('button', { name: 'Jump' }).count()).toBe(0)
  })
})
