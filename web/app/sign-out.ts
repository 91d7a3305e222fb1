/** The button that forgets the token of this tab and the cookie of the browser, and with them what the page shows. */
import { pathOf } from './address.ts'
import { element } from './element.ts'
import { hub } from './hub.ts'
import { currentToken, hasRights, keepToken, startAfresh } from './session.ts'

/** Shown while somebody is signed in: by a token, or by a cookie, which pages cannot see. */
export function signOut(): HTMLElement {
  const node = element('button', { type: 'button', class: 'quiet' }, 'Sign out')
  node.addEventListener('click', () => void leave())
  hub.status.subscribe(update)
  update()
  return node

  function update(): void {
    const isSignedIn = currentToken() !== undefined || hub.status.get().lastFrameAt !== null
    node.hidden = !hasRights || !isSignedIn
  }
}

async function leave(): Promise<void> {
  keepToken(undefined)
  // A server that does not answer cannot take the cookie away. The page is empty all the same.
  await fetch(pathOf('/sign-out'), { method: 'POST' }).catch(() => undefined)
  await startAfresh()
}
