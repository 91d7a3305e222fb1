/** The hooks under React, in strict mode, which mounts everything twice. */
import './support/page.ts'
import { Activity, createElement, type ReactNode, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { expect, test } from 'vitest'
import * as hooks from '../../web/client/react.ts'
import { hookSuite, type Mounted, stubbed } from './support/hook-suite.ts'
import { shown } from './support/page.ts'
import { at } from './support/stub-hub.ts'

hookSuite({
  name: 'React',
  hooks,
  mount<P extends object>(hub: hooks.Hub | null, use: (props: P) => string, props: P): Mounted<P> {
    const Shown = (given: P) => use(given)
    return strictly((given: P) => {
      const shown = createElement(Shown, given)
      return hub ? createElement(hooks.BoardcastProvider, { client: hub }, shown) : shown
    }, props)
  },
  mountOutput: (client, props) =>
    strictly(
      (given) => createElement(hooks.BoardcastProvider, { client }, createElement(hooks.AgentOutput, given)),
      props,
    ),
})

function strictly<P extends object>(tree: (props: P) => ReactNode, props: P): Mounted<P> {
  const container = document.body.appendChild(document.createElement('div'))
  const root = createRoot(container)
  let isOver = false
  const update = (given: P) => root.render(createElement(StrictMode, null, tree(given)))
  update(props)
  return {
    container,
    update,
    unmount() {
      if (isOver) return
      isOver = true
      root.unmount()
      container.remove()
    },
  }
}

test('[CH8] a list that is mounted again continues where it was', async () => {
  const { stub, hub: client } = stubbed()
  const List = () => {
    const { events } = hooks.useRealtimeEvents({ channels: ['global'], since: at(5) })
    return events.map(({ id }) => id).join(' ')
  }
  const page = strictly(
    ({ mode }: { mode: 'visible' | 'hidden' }) => {
      const shown = { mode, children: createElement(List) }
      return createElement(hooks.BoardcastProvider, { client }, createElement(Activity, shown))
    },
    { mode: 'visible' },
  )
  const reader = () => [...stub.readers][0]
  await shown('a reader', reader)
  expect(reader()?.options.since).toBe(at(5))
  stub.ready(5)
  stub.emit(6, 'e', {})
  await shown('it', () => page.container.textContent === at(6))
  page.update({ mode: 'hidden' })
  await shown('no reader', () => stub.readers.size === 0)
  page.update({ mode: 'visible' })
  await shown('a reader', reader)
  expect(reader()?.options.since).toBe(at(6))
  page.unmount()
})
