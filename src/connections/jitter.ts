/** Random variation, so that clients do not all come back at the same moment. */
import { SPREAD } from '../../shared/src/protocol.ts'

/** `ms` within 20 % either way. */
export function jittered(ms: number): number {
  return Math.round(ms * (1 - SPREAD + Math.random() * 2 * SPREAD))
}
