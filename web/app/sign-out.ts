/** The button that forgets the token of this tab, and with it what the page shows. A cookie stays: pages cannot see it. */
import { element } from './element.ts'
import { currentToken, keepToken, startAfresh } from './session.ts'

export interface SignOut {
  readonly node: HTMLElement
  /** Somebody has signed in. */
  update: () => void
}

export function signOut(): SignOut {
  const node = element('button', { type: 'button', class: 'quiet' }, 'Sign out')
  node.addEventListener('click', () => {
    keepToken(undefined)
    void startAfresh()
  })
  update()
  return { node, update }

  function update(): void {
    node.hidden = currentToken() === undefined
  }
}
