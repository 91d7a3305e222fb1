/**
 * What the hooks need of React or Preact, and no more: each hook is written once, as a function of these, and bound to a
 * framework in `react.ts` and `preact.ts`.
 */
import type { Hub } from '../core/client.ts'
import type { Store, SubscribeHandlers, SubscribeOptions } from '../core/types.ts'
import { oncePerFrame } from './frame-clock.ts'

export interface Framework {
  useEffect(effect: () => (() => void) | undefined, deps: readonly unknown[]): void
  /** Before the browser paints, after every render. */
  useCommit(effect: () => void): void
  useMemo<T>(make: () => T, deps: readonly unknown[]): T
  useRef<T>(initial: T): { current: T }
  useState<T>(initial: T): readonly [T, (next: T) => void]
  useSyncExternalStore<T>(subscribe: (listener: () => void) => () => void, get: () => T, getOnServer: () => T): T
  /** That of the provider, else the default one; null where pages are made on a server. */
  useHub(): Hub | null
}

const NOTHING = (): void => undefined

/** What `select` takes of the store's value, which must be equal (`Object.is`) as long as it is the same; `initial` without a store. */
export function useSelected<T, Part>(
  fw: Framework,
  store: Store<T> | null | undefined,
  select: (value: T) => Part,
  initial: Part,
): Part {
  const [subscribe, get] = fw.useMemo(
    () => [
      (draw: () => void) => {
        if (!store) return NOTHING
        const { listener, stop } = oncePerFrame(draw)
        const undo = store.subscribe(listener)
        return () => {
          stop()
          undo()
        }
      },
      () => (store ? select(store.get()) : initial),
    ],
    // What is selected does not change in the life of a hook.
    [store],
  )
  return fw.useSyncExternalStore(subscribe, get, () => initial)
}

export function useValue<T>(fw: Framework, store: Store<T> | null | undefined, initial: T): T {
  return useSelected(fw, store, same, initial)
}

/** The store that `open` gives for the id; null means off. */
export function useStoreOf<T>(
  fw: Framework,
  open: (hub: Hub, id: string) => Store<T>,
  id: string | null | undefined,
): Store<T> | null {
  const hub = fw.useHub()
  return fw.useMemo(() => (hub && id !== null && id !== undefined ? open(hub, id) : null), [hub, id])
}

/** A function that stays the same and calls the newest handler, so that a new handler is no reason to subscribe again. */
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

/** A subscription for as long as the component is there; `options` null means off. `key` says when it is another one. */
export function useSubscription(
  fw: Framework,
  key: string | null,
  options: () => SubscribeOptions,
  handlers: SubscribeHandlers,
): void {
  const hub = fw.useHub()
  fw.useEffect(() => (hub && key !== null ? subscribed(hub, options(), handlers) : undefined), [hub, key])
}

/** A channel that cannot be is told as a refusal is; an effect must not throw. */
export function subscribed(hub: Hub, options: SubscribeOptions, handlers: SubscribeHandlers): (() => void) | undefined {
  try {
    return hub.subscribe(options, handlers)
  } catch (error) {
    handlers.error?.(error instanceof Error ? error : new Error(String(error)))
    return undefined
  }
}

/** `call`, whose failure is no unhandled rejection when nobody awaits it. */
export function awaitable<Args extends readonly unknown[], T>(
  call: (...args: Args) => Promise<T>,
): (...args: Args) => Promise<T> {
  return (...args) => {
    const result = call(...args)
    result.catch(NOTHING)
    return result
  }
}

function same<T>(value: T): T {
  return value
}
