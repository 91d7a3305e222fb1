/** The hooks under Preact, without `preact/compat`. */
import './support/page.ts'
import { type ComponentChild, createElement, render } from 'preact'
import * as hooks from '../../web/client/preact.ts'
import { type Hooks, hookSuite, type Mounted } from './support/hook-suite.ts'

hookSuite({
  name: 'Preact',
  hooks: hooks satisfies Hooks,
  mount<P extends object>(hub: hooks.Hub | null, use: (props: P) => string, props: P): Mounted<P> {
    const Shown = (given: P) => createElement('span', null, use(given))
    return mounted((given: P) => {
      const shown = createElement(Shown, given)
      return hub ? createElement(hooks.BoardcastProvider, { client: hub }, shown) : shown
    }, props)
  },
  mountOutput: (client, props) =>
    mounted(
      (given) => createElement(hooks.BoardcastProvider, { client }, createElement(hooks.AgentOutput, given)),
      props,
    ),
})

function mounted<P extends object>(tree: (props: P) => ComponentChild, props: P): Mounted<P> {
  const container = document.body.appendChild(document.createElement('div'))
  const update = (given: P) => render(tree(given), container)
  update(props)
  return {
    container,
    update,
    unmount() {
      render(null, container)
      container.remove()
    },
  }
}
