/**
 * Ids that the server makes: `<prefix>_<uuidv7>`, and cursors. The patterns are part of the contract, but parsing does not
 * check them: an id of another form belongs to nothing, and the answer says that.
 */
import * as z from 'zod'

const UUID_V7 = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'

export const cardId = made('crd')
export const columnId = made('col')
export const attemptId = made('att')
export const profileId = made('pro')
export const runId = made('run')
export const stepId = made('stp')
export const taskId = made('tsk')
export const subtaskId = made('sub')
export const messageId = made('msg')

export const connectionId = z.string().meta({ pattern: `^${UUID_V7}$` })

/** The id of an event, and where a listener stands (shared/src/cursor.ts). */
export const cursor = z.string().meta({ pattern: '^[0-9a-f]{8}-(0|[1-9][0-9]{0,15})$' })

function made(prefix: string) {
  return z.string().meta({ pattern: `^${prefix}_${UUID_V7}$` })
}
