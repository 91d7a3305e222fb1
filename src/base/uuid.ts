/** Ids that grow with the time of the server, which does not go back: in the order of creation within one process. */
import { V7Generator } from 'uuidv7'
import { now } from './clock.ts'

const generator = new V7Generator()

export function uuid(): string {
  return generator.generateOrResetWithTs(now()).toString()
}
