/** Stores that are loaded when they are opened. Nothing here may import them. */
import { expect, test } from 'vitest'
import type { OpenableStore } from '../../web/client/core/shared-by-count.ts'
import { createStore } from '../../web/client/core/store.ts'
import type { BoardValue } from '../../web/client/stores/board.ts'
import { NO_BOARD } from '../../web/client/stores/initial.ts'
import { lazyStore } from '../../web/client/stores/lazy-store.ts'
import { loadedMakers } from '../../web/client/stores/loaded.ts'

test('[CB1] one that is closed while it is loaded is not opened; one that is opened again is, once', async () => {
  expect(loadedMakers()).toBeUndefined()
  const calls: string[] = []
  const value = createStore<BoardValue>({ ...NO_BOARD, pending: 1 })
  const store = lazyStore<BoardValue, OpenableStore<BoardValue>>(NO_BOARD, () => ({
    get: value.get,
    subscribe: value.subscribe,
    open: () => calls.push('open'),
    close: () => calls.push('close'),
  }))
  let told = 0
  store.subscribe(() => {
    told += 1
  })
  expect(store.get()).toBe(NO_BOARD)
  store.open()
  store.close()
  store.open()
  store.close()
  await import('../../web/client/stores/makers.ts')
  await new Promise((resolve) => setImmediate(resolve))
  expect(calls).toEqual([])

  store.open()
  expect(calls).toEqual(['open'])
  expect(store.get()).toBe(value.get())
  value.set({ ...NO_BOARD, pending: 2 })
  expect([store.get().pending, told]).toEqual([2, 2])
  store.close()
  expect(calls).toEqual(['open', 'close'])
  expect(store.get()).toBe(NO_BOARD)
})
