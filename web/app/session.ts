/**
 * The token of this tab, and who is waiting for one. It lives in sessionStorage, never in an address; without one the
 * browser may have a cookie of the server's.
 */
import { fieldOf } from '../client/base/frames.ts'
import { payloadOf } from '../client/tabs/identity.ts'
import { pathOf } from './address.ts'

/** Servers under several paths of one origin have tokens of their own. */
const KEY = `boardcast-token ${pathOf('/')}`

/** Whether the server asks for a token. */
export const hasRights = document.querySelector('meta[name=rights]')?.getAttribute('content') === 'on'

/** Where the browser denies storage, the token lasts as long as the page. */
let token = stored()
let askForToken: (() => Promise<void>) | undefined
let asking: Promise<void> | undefined

export function currentToken(): string | undefined {
  return token
}

/** undefined: forgets it. */
export function keepToken(newToken: string | undefined): void {
  token = newToken
  try {
    if (token === undefined) sessionStorage.removeItem(KEY)
    else sessionStorage.setItem(KEY, token)
  } catch {
    // It lasts as long as the page.
  }
}

/** Whether both tokens are of one holder, by what they say. Of passwords nothing is known: they count as one holder's. */
export function haveOneHolder(one: string, other: string): boolean {
  const [a, b] = [one, other].map((token) => {
    const claims = payloadOf(token)
    return JSON.stringify([fieldOf(claims, 'sub'), fieldOf(claims, 'agent_id')])
  })
  return a === b
}

/**
 * Loads the page again. Nothing stays on it of what somebody else has seen, and nothing is carried out that somebody else
 * has begun. Never resolves.
 */
export function startAfresh(): Promise<never> {
  location.reload()
  return new Promise(() => undefined)
}

/** `ask` resolves when somebody has signed in. */
export function onSignedOut(ask: () => Promise<void>): void {
  askForToken = ask
}

/** The server has answered 401. Resolves when somebody has signed in, however many wait for it. */
export function untilSignedIn(): Promise<void> {
  asking ??= (askForToken?.() ?? Promise.resolve()).finally(() => {
    asking = undefined
  })
  return asking
}

function stored(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined
  } catch {
    return undefined
  }
}
