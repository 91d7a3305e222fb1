/** The second process of the contract suite: a store on the same file, which writes when asked, or all the time. */
import { oneConnection } from '../../src/db/sqlite/one-connection.ts'
import type { Store, Tx } from '../../src/db/store.ts'
import { createRandom } from '../support/random.ts'
import { openUnlocked, type Unlocked } from '../support/unlocked.ts'
import { type Answer, type Asked, type Order, print, trimAll } from './kinds.ts'
import { record } from './ledger.ts'
import { TestNode } from './nodes.ts'

const random = createRandom(process.pid)
let connection: Unlocked | undefined
let store: Store | undefined
let writing: Promise<void> | undefined
let isWriting = false

function transact<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
  if (!store) throw new Error('nothing is open')
  return store.transact(work)
}

/** Some mutations at once, some of them failing, and a pause, so that others get the lock as well. */
async function write(): Promise<void> {
  while (isWriting) {
    const group = Array.from({ length: 1 + random.below(3) }, () => {
      const fails = random.chance(0.2)
      return transact(async (tx) => {
        await record(tx, 'writer', random.below(3))
        if (fails) throw new Error('of this test')
      }).catch((error: Error) => {
        if (error.message !== 'of this test') throw error
      })
    })
    await Promise.all(group)
    await new Promise((resolve) => setTimeout(resolve, random.below(8)))
  }
}

async function obey(order: Order): Promise<unknown> {
  if (order.does === 'commit') return transact((tx) => record(tx, 'other', order.count))
  if (order.does === 'print') return transact((tx) => print(tx, order.count))
  if (order.does === 'trim') return transact((tx) => trimAll(tx, order.count))
  if (order.does === 'write') {
    isWriting = true
    writing = write()
    return undefined
  }
  isWriting = false
  await writing
  if (order.does === 'close') connection?.close()
  if (order.does === 'open') {
    connection = openUnlocked(order.path)
    store = (await TestNode.open(oneConnection(connection.sql))).store
  }
  return undefined
}

function answer(given: Answer): void {
  process.send?.(given)
}

process.on('message', (asked: Asked) => {
  const { id } = asked
  obey(asked).then(
    (result) => answer({ id, result }),
    (error: Error) => answer({ id, error: error.stack }),
  )
})
process.on('disconnect', () => process.exit(0))
