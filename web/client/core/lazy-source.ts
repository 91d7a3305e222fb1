/** A source whose code is loaded when something is wanted of it; what is wanted meanwhile is passed on. */
import { DEFAULT_BACKOFF, delayMs } from './backoff.ts'
import type { Clock } from './clock.ts'
import type { Source } from './source.ts'
import { IDLE } from './status.ts'
import { createStore } from './store.ts'

export function lazySource(load: () => Promise<() => Source>, clock: Clock): Source {
  const status = createStore(IDLE)
  let wanted: Parameters<Source['want']> | undefined
  let source: Source | undefined
  let failures = 0
  let isLoading = false
  let retry: unknown
  let isClosed = false

  function use(make: () => Source): void {
    if (isClosed) return
    const made = make()
    source = made
    made.status.subscribe(() => status.set(made.status.get()))
    if (wanted) made.want(...wanted)
  }

  function begin(): void {
    clock.clearTimeout(retry)
    if (isLoading || isClosed) return
    isLoading = true
    if (failures === 0) status.set({ ...IDLE, phase: 'connecting' })
    load()
      .then(use)
      .catch(() => {
        isLoading = false
        if (isClosed || source) return
        failures += 1
        status.set({ ...IDLE, phase: 'reconnecting', attempt: failures })
        retry = clock.setTimeout(begin, delayMs(DEFAULT_BACKOFF, failures))
      })
  }

  return {
    status,
    want(...what) {
      wanted = what
      if (source) source.want(...what)
      else if (what[0].size > 0) begin()
    },
    reconnect() {
      if (source) source.reconnect()
      else if (wanted) begin()
    },
    close() {
      isClosed = true
      clock.clearTimeout(retry)
      if (source) source.close()
      else status.set({ ...IDLE, phase: 'stopped', stop: { reason: 'closed' } })
    },
  }
}
