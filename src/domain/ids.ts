import { uuid } from '../base/uuid.ts'

/** Prefixes of the ids that this service makes. */
export type IdPrefix =
  | 'brd'
  | 'col'
  | 'crd'
  | 'att'
  | 'pro'
  | 'con'
  | 'itm'
  | 'ses'
  | 'run'
  | 'stp'
  | 'shl'
  | 'tsk'
  | 'sub'
  | 'msg'

/** `<prefix>_<uuidv7>`: unique, and in the order of creation within one process. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${uuid()}`
}
