/**
 * The part of React or Preact that the hooks need. Each hook is written once, as a function of this, and bound to a
 * framework in `react.ts` and `preact.ts`.
 */
import { errorOf } from '../base/errors.ts'
import type { Store, SubscribeHandlers, SubscribeOptions } from '../base/types.ts'
import { createClient, type Hub } from '../hub/client.ts'
import { oncePerAnimationFrame } from './animation-frame.ts'

export interface Framework {
  useEffect(effect: () => (() => void) | undefined, deps: readonly unknown[]): void
  /** Runs after every render, before the browser paints. */
  useCommit(effect: () => void): void
  useMemo<T>(make: () => T, deps: readonly unknown[]): T
  useRef<T>(initial: T): { current: T }
  useState<T>(initial: T): readonly [T, (next: T) => void]
  useSyncExternalStore<T>(subscribe: (listener: () => void) => () => void, get: () => T, getOnServer: () => T): T
  /** The provider's hub, else the default one; null where pages are rendered on a server. */
  useHub(): Hub | null
}

let pageHub: Hub | undefined

/** The hub of pages without a provider: of their own origin. Null where there is no page. */
export function defaultHub(): Hub | null {
  if (typeof document === 'undefined') return null
  pageHub ??= createClient()
  return pageHub
}

/**
 * The part of the store's value that `select` returns; `initial` without a store. The component is drawn again only when
 * the part changes (`Object.is`).
 */
export function useSelected<T, Part>(
  fw: Framework,
  store: Store<T> | null | undefined,
  select: (value: T) => Part,
  initial: Part,
): Part {
  const [subscribe, get] = fw.useMemo(
    () => [
      (draw: () => void) => {
        if (!store) return () => undefined
        const { request, cancel } = oncePerAnimationFrame(draw)
        const unsubscribe = store.subscribe(request)
        return () => {
          cancel()
          unsubscribe()
        }
      },
      () => (store ? select(store.get()) : initial),
    ],
    // A hook always selects the same part.
    [store],
  )
  return fw.useSyncExternalStore(subscribe, get, () => initial)
}

export function useValue<T>(fw: Framework, store: Store<T> | null | undefined, initial: T): T {
  return useSelected(fw, store, (value) => value, initial)
}

/** The store that `open` returns for the id; null means off. */
export function useStoreOf<T>(
  fw: Framework,
  open: (hub: Hub, id: string) => Store<T>,
  id: string | null | undefined,
): Store<T> | null {
  const hub = fw.useHub()
  return fw.useMemo(() => (hub && id !== null && id !== undefined ? open(hub, id) : null), [hub, id])
}

/** A function that stays the same and calls the newest handler, so that a new handler does not subscribe again. */
export function useLatest<Args extends readonly unknown[]>(
  fw: Framework,
  handler: ((...args: Args) => void) | undefined,
): (...args: Args) => void {
  const latest = fw.useRef(handler)
  fw.useCommit(() => {
    latest.current = handler
  })
  return fw.useMemo(
    () =>
      (...args: Args) =>
        latest.current?.(...args),
    [],
  )
}

/** A subscription while the component is mounted. Another `key` is another subscription; null means off. */
export function useSubscription(
  fw: Framework,
  key: string | null,
  options: () => SubscribeOptions,
  handlers: SubscribeHandlers,
): void {
  const hub = fw.useHub()
  fw.useEffect(() => (hub && key !== null ? trySubscribe(hub, options(), handlers) : undefined), [hub, key])
}

/** An effect must not throw, so an invalid channel goes to `error`, as a refusal does. */
export function trySubscribe(
  hub: Hub,
  options: SubscribeOptions,
  handlers: SubscribeHandlers,
): (() => void) | undefined {
  try {
    return hub.subscribe(options, handlers)
  } catch (error) {
    handlers.error?.(errorOf(error))
    return undefined
  }
}
