import { uuid } from '../base/uuid.ts'

/** Prefixes of the ids that the server generates. */
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

/** `<prefix>_<uuidv7>`: unique, and sorted by creation within one process. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${uuid()}`
}
