/**
 * Moves a long write-ahead log into the database on a thread of its own. SQLite does it within a COMMIT, and copies all
 * there is: after another program has read for an hour that is a gigabyte, while which no stream would get a byte.
 */
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'

/** Plain JavaScript, as it must run the same from the sources and from the built program. */
const WORK = `
const { parentPort, workerData } = require('node:worker_threads')
const Database = require(workerData.driver)
const database = new Database(workerData.path, { timeout: 0, fileMustExist: true })
try {
  database.pragma('synchronous = FULL')
  const [{ log, checkpointed }] = database.pragma('wal_checkpoint(PASSIVE)')
  parentPort.postMessage(log - checkpointed)
} finally {
  database.close()
}`

/** Resolves to how many pages could not be moved: somebody still reads an older state, or they came meanwhile. */
export function checkpointAside(path: string): Promise<number> {
  const driver = createRequire(import.meta.url).resolve('better-sqlite3')
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORK, { eval: true, workerData: { driver, path } })
    worker.unref()
    worker.once('message', (left: number) => resolve(left))
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the thread ended without an answer')))
  })
}
