/**
 * What happens to the page or worker that the client lives in. A laptop that wakes has a dead socket that still looks
 * open; a page that is kept for the back button, or frozen, must not hold a stream.
 */
export interface PageLife {
  /** Something changed that makes it worth looking at the stream. */
  woke(): void
  /** The page is being left, or put to sleep. */
  left(): void
  /** A navigation begins, which may yet come to nothing. */
  leaving?(): void
  /** It is used again. */
  returned(): void
}

/** As far as it is used. In Node and in workers there is less of it, or nothing. */
const surroundings = globalThis as {
  readonly document?: { readonly visibilityState?: string }
  readonly navigator?: { readonly onLine?: boolean }
}

/** Returns the undo. Does nothing where there is no page. */
export function watchPage(life: PageLife): () => void {
  const controller = new AbortController()
  const { document } = surroundings
  function on(target: unknown, name: string, listener: () => void): void {
    if (target instanceof EventTarget) target.addEventListener(name, listener, { signal: controller.signal })
  }
  on(globalThis, 'online', life.woke)
  on(globalThis, 'pagehide', life.left)
  on(globalThis, 'pageshow', life.returned)
  if (life.leaving) on(globalThis, 'beforeunload', life.leaving)
  on(document, 'freeze', life.left)
  on(document, 'resume', life.returned)
  on(document, 'visibilitychange', () => {
    if (document?.visibilityState === 'visible') life.woke()
  })
  return () => controller.abort()
}

/** Whether the machine says that it has no network at all. */
export function isOffline(): boolean {
  return surroundings.navigator?.onLine === false
}
