/** The hooks of both frameworks against a real server: one stream for all, closed after the last reader. */
import './support/page.ts'
import { createElement as h, render } from 'preact'
import { createElement, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { expect, test } from 'vitest'
import type { Clock } from '../../web/client/base/clock.ts'
import * as preact from '../../web/client/preact.ts'
import * as react from '../../web/client/react.ts'
import { makeCard, makeWork } from '../support/board.ts'
import { startTestServer } from '../support/server.ts'
import type { Hooks } from './support/hook-suite.ts'
import { shown } from './support/page.ts'
import { openStreams } from './support/stats.ts'

/** Twenty times as fast, so that what lingers for seconds ends in less than one. */
const FAST: Clock = {
  now: () => Date.now() * 20,
  setTimeout: (callback, ms) => setTimeout(callback, ms / 20),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}

/** The hooks of three components. */
function useText(hooks: Hooks, boardId: string, attemptId: string, heard: string[]): string {
  const { state, connected } = hooks.useKanbanSSE(boardId, { onEvent: ({ id }) => heard.push(id) })
  const { lineCount, isConnected } = hooks.useAttemptStream(attemptId)
  const { overview } = hooks.useDashboardSSE()
  const { issues } = hooks.useIssueUpdates(boardId)
  const { events } = hooks.useRealtimeEvents({ channels: ['global'] })
  const cards = Object.keys(state?.cards ?? {}).length
  return [connected && isConnected, cards, issues.length, lineCount, overview?.metrics.openCards, events.length].join(
    ' ',
  )
}

const FRAMEWORKS = {
  'React in strict mode': (client: react.Hub, boardId: string, attemptId: string, heard: string[]) => {
    const Page = () => createElement('p', null, useText(react, boardId, attemptId, heard))
    const container = document.createElement('div')
    const root = createRoot(container)
    const pages = [createElement(Page, { key: 1 }), createElement(Page, { key: 2 })]
    root.render(createElement(StrictMode, null, createElement(react.BoardcastProvider, { client }, pages)))
    return { container, unmount: () => root.unmount() }
  },
  Preact: (client: react.Hub, boardId: string, attemptId: string, heard: string[]) => {
    const Page = () => h('p', null, useText(preact, boardId, attemptId, heard))
    const container = document.createElement('div')
    render(h(preact.BoardcastProvider, { client, children: [h(Page, { key: 1 }), h(Page, { key: 2 })] }), container)
    return { container, unmount: () => render(null, container) }
  },
}

test.for(Object.entries(FRAMEWORKS))(
  '[CH1] %s: one stream however many hooks, closed when the last has gone',
  async ([, mount]) => {
    await using server = await startTestServer()
    const { boardId, attempt } = await makeWork(server)
    const hub = react.createClient({ baseUrl: server.url, share: 'none', clock: FAST })
    const heard: string[] = []
    const { container, unmount } = mount(hub, boardId, attempt.id, heard)
    const both = (wanted: string) =>
      [...container.children].every(({ textContent }) => textContent === wanted) && container.children.length === 2
    await shown('the board', () => both('true 1 1 0 1 0'))
    expect(await openStreams(server)).toBe(1)

    await makeCard(server, boardId)
    await server.post(`/attempts/${attempt.id}/logs`, { lines: [{ message: 'a' }, { message: 'b' }] })
    await shown('the news', () => both('true 2 2 2 2 3'))
    // Each of the two components got each of the three events once.
    expect(heard.length).toBe(6)
    expect(new Set(heard).size).toBe(3)
    expect(await openStreams(server)).toBe(1)

    unmount()
    for (let tries = 0; (await openStreams(server)) > 0; tries++) expect(tries).toBeLessThan(10_000)
    hub.close()
  },
)

test('[CH4] 10,000 lines in bursts reach a handler 10,000 times, in order, with at most one render per animation frame', async () => {
  await using server = await startTestServer()
  const { attempt } = await makeWork(server)
  const hub = react.createClient({ baseUrl: server.url, share: 'none' })
  const heard: string[] = []
  let renders = 0
  let frames = 0
  const count = () => {
    frames += 1
    requestAnimationFrame(count)
  }
  requestAnimationFrame(count)
  const Page = () => {
    renders += 1
    react.useRealtimeEvents({ channels: [`attempt:${attempt.id}`] })
    const { lineCount, lines } = react.useAttemptStream(attempt.id)
    return createElement('p', null, `${lineCount} ${lines.length} ${lines.at(-1)?.message}`)
  }
  const container = document.createElement('div')
  const root = createRoot(container)
  root.render(createElement(react.BoardcastProvider, { client: hub }, createElement(Page)))
  await shown('it', () => hub.attempt(attempt.id).get().phase === 'live')
  const undo = hub.subscribe(
    { channels: [`attempt:${attempt.id}`] },
    { event: ({ data }) => heard.push((data as { message: string }).message) },
  )
  const before = { renders, frames }
  const messages = Array.from({ length: 10_000 }, (_, n) => `line ${n}`)
  const posts: Array<Promise<unknown>> = []
  for (let from = 0; from < messages.length; from += 1_000) {
    const lines = messages.slice(from, from + 1_000).map((message) => ({ message }))
    posts.push(server.post(`/attempts/${attempt.id}/logs`, { lines }))
    await posts.at(-1)
  }
  await shown('the last', () => container.textContent === '10000 1000 line 9999')
  expect(heard).toEqual(messages)
  expect(renders - before.renders).toBeLessThanOrEqual(frames - before.frames + 1)
  undo()
  root.unmount()
  hub.close()
})
