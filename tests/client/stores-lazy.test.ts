/** Stores whose code is loaded when they are opened. Nothing here may import that code itself. */
import { expect, test } from 'vitest'
import { createStore } from '../../web/client/base/store.ts'
import type { BoardValue } from '../../web/client/stores/board.ts'
import { storeCode } from '../../web/client/stores/store-code.ts'
import { StoreSet } from '../../web/client/stores/store-set.ts'
import { NO_BOARD } from '../../web/client/stores/stores.ts'
import { FakeClock } from './support/fake-clock.ts'

test('[CB1] a store that is closed while its code loads is not opened; opened again, it is opened once', async () => {
  const calls: string[] = []
  const value = createStore<BoardValue>({ ...NO_BOARD, pending: 1 })
  const clock = new FakeClock()
  let allow = (): void => undefined
  const allowed = new Promise<void>((resolve) => {
    allow = resolve
  })
  const load = () => allowed.then(() => import('../../web/client/stores/all-stores.ts'))
  const stores = new StoreSet(clock, {
    initial: NO_BOARD,
    code: () => storeCode(load),
    open(_code, id, changed) {
      calls.push(`open ${id}`)
      const unsubscribe = value.subscribe(changed)
      return {
        get: value.get,
        close() {
          calls.push(`close ${id}`)
          unsubscribe()
        },
      }
    },
  })
  const store = stores.of('b')
  const close = () => stores.close()
  let changes = 0
  const listen = () => {
    store.subscribe(() => {
      changes += 1
    })
  }
  listen()
  expect(store.get()).toBe(NO_BOARD)
  close()
  listen()
  close()
  allow()
  await import('../../web/client/stores/all-stores.ts')
  await new Promise((resolve) => setImmediate(resolve))
  expect([calls, changes]).toEqual([[], 0])

  listen()
  expect(calls).toEqual(['open b'])
  expect(store.get()).toBe(value.get())
  value.set({ ...NO_BOARD, pending: 2 })
  expect([store.get().pending, changes]).toEqual([2, 2])
  close()
  expect(calls).toEqual(['open b', 'close b'])
  expect(store.get()).toBe(NO_BOARD)
})
