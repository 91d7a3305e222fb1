/** The page of the browser tests: the same two components under React's strict mode and under Preact. */
import { createElement as h, render } from 'preact'
import { createElement, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import * as preact from '../../../web/client/preact.ts'
import * as react from '../../../web/client/react.ts'
import type { Hooks } from './hook-suite.ts'

/** The counters of the page. */
export const counts = { frames: 0, renders: 0, heard: [] as string[] }

interface Shown {
  readonly boardId: string
  readonly attemptId: string
}

function count(): void {
  counts.frames += 1
  requestAnimationFrame(count)
}

function useText(hooks: Hooks, { boardId, attemptId }: Shown): { text: string; move: () => void } {
  counts.renders += 1
  const { state, connected, moveCard } = hooks.useKanbanSSE(boardId)
  const { lineCount } = hooks.useAttemptStream(attemptId)
  const { label } = hooks.useConnection()
  const cards = state?.columnOrder.map((id) => state.columns[id]?.cardIds.length).join('|')
  const [first = ''] = Object.keys(state?.cards ?? {})
  return {
    text: `${connected} ${label} ${cards} ${lineCount}`,
    move: () => void moveCard({ cardId: first, columnKey: 'done' }),
  }
}

/** Every line once, from the handler and not from what is drawn. */
function useLines(hooks: Hooks, { boardId }: Shown): void {
  hooks.useKanbanSSE(boardId, {
    onEvent(it) {
      if (it.event === 'attempt_log') counts.heard.push(it.data.message)
    },
  })
}

function ReactBoard(props: Shown) {
  const { text, move } = useText(react, props)
  return createElement('button', { type: 'button', onClick: move }, text)
}

function ReactLog(props: Shown) {
  useLines(react, props)
  return createElement(
    'div',
    { style: { height: '100px' } },
    createElement(react.AgentOutput, { attemptId: props.attemptId }),
  )
}

function PreactBoard(props: Shown) {
  const { text, move } = useText(preact, props)
  return h('button', { type: 'button', onClick: move }, text)
}

function PreactLog(props: Shown) {
  useLines(preact, props)
  return h('div', { style: { height: '100px' } }, h(preact.AgentOutput, { attemptId: props.attemptId }))
}

/** Renders both components. Returns the function that removes them. */
export function show(framework: 'React' | 'Preact', props: Shown): () => void {
  const container = document.body.appendChild(document.createElement('main'))
  requestAnimationFrame(count)
  if (framework === 'Preact') {
    render([h(PreactBoard, props), h(PreactLog, props)], container)
    return () => render(null, container)
  }
  const root = createRoot(container)
  root.render(createElement(StrictMode, null, createElement(ReactBoard, props), createElement(ReactLog, props)))
  return () => root.unmount()
}
