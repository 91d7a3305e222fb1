/** How the nodes on one database wake each other. */
import * as z from 'zod'

/** `url` holds a password; `shownDoorbell` leaves it out. */
export type DoorbellSetting =
  | { readonly kind: 'postgres' }
  | { readonly kind: 'poll' }
  | { readonly kind: 'redis'; readonly url: string }

/** `BOARDCAST_DOORBELL`. */
export const doorbellSetting = z.string().transform((text, context): DoorbellSetting => {
  if (text === 'postgres' || text === 'poll') return { kind: text }
  if (isRedisUrl(text)) return { kind: 'redis', url: text }
  // The text is not quoted: it may hold a password.
  const message = 'must be postgres, poll, or a URL such as redis://user:password@host:6379 or rediss://host:6379'
  context.addIssue({ code: 'custom', message })
  return z.NEVER
})

/** As operators know it: without user and password. */
export function shownDoorbell(setting: DoorbellSetting): string {
  if (setting.kind !== 'redis') return setting.kind
  const { protocol, host } = new URL(setting.url)
  return `${protocol}//${host}`
}

function isRedisUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^rediss?:$/.test(url.protocol) || url.hostname === '') return false
  return /^\/?$/.test(url.pathname) && url.search === '' && url.hash === '' && isDecodable(url.username + url.password)
}

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
