/** Rendering on a server: every hook returns its initial value, and requests nothing. */
import { createElement } from 'react'
import { renderToString } from 'react-dom/server'
import { expect, test } from 'vitest'
import * as preact from '../../web/client/preact.ts'
import * as react from '../../web/client/react.ts'

function Everything() {
  const kanban = react.useKanbanSSE('b', { onEvent: () => undefined })
  const shown = {
    kanban: [kanban.state, kanban.connected, kanban.status, kanban.stale, kanban.error],
    dashboard: react.useDashboardSSE({ range: 'all_time' }).overview,
    metrics: react.useRealtimeMetrics().history,
    events: react.useRealtimeEvents({ channels: ['global'] }).events,
    agent: react.useAgentChannel({ agentId: 'a' }).output,
    session: react.useSessionStream('s').messages,
    attempt: react.useAttemptStream('a').lines,
    run: react.useWorkflowStream('r').steps,
    shell: react.useShellStream('t').lines,
    issues: react.useIssueUpdates('b').issues,
    socket: react.useWebSocket({ channels: [] }).connected,
    connection: react.useConnection().label,
    hub: react.useBoardcast()?.baseUrl ?? null,
  }
  return createElement('pre', null, JSON.stringify(shown), createElement(react.AgentOutput, { agentId: 'a' }))
}

const INITIAL = {
  kanban: [null, false, 'idle', false, null],
  dashboard: null,
  metrics: [],
  events: [],
  agent: [],
  session: [],
  attempt: [],
  run: [],
  shell: [],
  issues: [],
  socket: false,
  connection: 'Idle',
}

test('[CH5] React renders every hook on a server, with and without a hub', () => {
  expect(typeof document).toBe('undefined')
  const asked: unknown[] = []
  const client = react.createClient({
    baseUrl: 'http://127.0.0.1:1',
    share: 'none',
    fetch: async (...request) => {
      asked.push(request)
      throw new Error('nobody asks on a server')
    },
  })
  const bare = renderToString(createElement(Everything))
  const provided = renderToString(createElement(react.BoardcastProvider, { client }, createElement(Everything)))
  for (const [html, hub] of [
    [bare, null],
    [provided, 'http://127.0.0.1:1'],
  ] as const) {
    expect(
      JSON.parse(html.replaceAll('&quot;', '"').slice('<pre>'.length, html.replaceAll('&quot;', '"').indexOf('<div'))),
    ).toEqual({ ...INITIAL, hub })
    expect(html).toContain('No output yet.')
  }
  expect(client.status.get().phase).toBe('idle')
  expect(asked).toEqual([])
  client.close()
})

test('[CH5] Preact’s hooks can be loaded where there is no page', () => {
  expect(Object.keys(preact).sort()).toEqual(Object.keys(react).sort())
})
