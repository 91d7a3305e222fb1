/** What React calls `useSyncExternalStore`, and Preact has in `preact/compat` only. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

export function useExternalStore<T>(subscribe: (listener: () => void) => () => void, get: () => T): T {
  const value = get()
  const [, draw] = useState({})
  /** What was drawn last, and how to see what there is now. */
  const drawn = useRef({ value, get })
  useLayoutEffect(() => {
    drawn.current = { value, get }
  }, [value, get])
  useEffect(() => {
    const look = () => {
      if (!Object.is(drawn.current.get(), drawn.current.value)) draw({})
    }
    // It may have changed since it was drawn, when nobody listened yet.
    look()
    return subscribe(look)
  }, [subscribe])
  return value
}
