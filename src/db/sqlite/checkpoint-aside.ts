/**
 * Checkpoints a long write-ahead log on a worker thread. SQLite's automatic checkpoint runs inside a COMMIT and copies the
 * whole log. After another process has kept a read open for an hour, that can be a gigabyte, and every stream would stall.
 */
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'

/** Plain JavaScript: it runs unchanged from the sources and from the build. */
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

/** Resolves to the number of pages left in the log: a reader still needs them, or they were written meanwhile. */
export function checkpointAside(path: string): Promise<number> {
  const driver = createRequire(import.meta.url).resolve('better-sqlite3')
  return new Promise((resolve, reject) => {
    const worker = new Worker(WORK, { eval: true, workerData: { driver, path } })
    worker.unref()
    worker.once('message', (left: number) => resolve(left))
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the checkpoint thread exited without a result')))
  })
}
