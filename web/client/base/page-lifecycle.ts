/**
 * What happens to the page or worker that the client runs in. After sleep, a laptop has a dead connection that still looks
 * open; a page that is frozen, or kept in the back-forward cache, must not hold a stream.
 */
export interface PageListener {
  /** The connection may have changed: check the stream. */
  woke(): void
  /** The page is being left, or frozen. */
  left(): void
  /** A navigation begins, which may still be cancelled. */
  leaving?(): void
  /** The page is in use again. */
  returned(): void
}

/** The parts that are used. In Node and in workers some or all of them are missing. */
const environment = globalThis as {
  readonly document?: { readonly visibilityState?: string }
  readonly navigator?: { readonly onLine?: boolean }
}

/** Returns the function that stops watching. Does nothing where there is no page. */
export function watchPage(listener: PageListener): () => void {
  const controller = new AbortController()
  const { document } = environment
  function on(target: unknown, name: string, call: () => void): void {
    if (target instanceof EventTarget) target.addEventListener(name, call, { signal: controller.signal })
  }
  on(globalThis, 'online', listener.woke)
  on(globalThis, 'pagehide', listener.left)
  on(globalThis, 'pageshow', listener.returned)
  if (listener.leaving) on(globalThis, 'beforeunload', listener.leaving)
  on(document, 'freeze', listener.left)
  on(document, 'resume', listener.returned)
  on(document, 'visibilitychange', () => {
    if (document?.visibilityState === 'visible') listener.woke()
  })
  return () => controller.abort()
}

/** Whether the browser reports that there is no network. */
export function isOffline(): boolean {
  return environment.navigator?.onLine === false
}

/** Whether nobody sees the page. Its timers may fire a minute late then. */
export function isHidden(): boolean {
  return environment.document?.visibilityState === 'hidden'
}

/** Firefox decides at the start of a navigation whether a page may enter the back-forward cache, before `pagehide`. */
export function isFirefox(): boolean {
  return 'mozInnerScreenX' in globalThis
}
