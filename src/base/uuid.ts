/** UUIDv7 from the server's clock, which never goes back: within one process, ids sort by creation. */
import { V7Generator } from 'uuidv7'
import { now } from './clock.ts'

const generator = new V7Generator()

export function uuid(): string {
  return generator.generateOrResetWithTs(now()).toString()
}
