/** Reading a message of a client: a JSON object with a `type` and perhaps an `id`. */
import * as z from 'zod'
import { MAX_JSON_DEPTH } from '../../shared/src/protocol.ts'
import { isShallow } from '../../shared/src/types/json.ts'
import { Problem } from '../base/errors.ts'
import { parseInput } from '../base/validation.ts'

/** Deeper than any valid message. */
const MAX_DEPTH = 2 * MAX_JSON_DEPTH

/** Chosen by the client, which recognises the answer to its message by it. */
export type MessageId = string | number

export const messageIdSchema = z.union(
  [z.string().max(200), z.number()],
  'must be a number, or text of at most 200 characters',
)

/** Throws `invalid_json`, and `validation_failed` for JSON that is no object. */
export function objectIn(text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof SyntaxError ? cause.message : 'it is nested too deeply'
    throw new Problem('invalid_json', `The message is not JSON: ${why}.`, { cause })
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Problem('validation_failed', 'The message must be a JSON object with a type.', {
    errors: [{ path: '', message: 'must be an object' }],
  })
}

/** Throws `validation_failed` for a message nested so deep that writing the answer, which is recursive, could overflow the stack. */
export function mustBeShallow(message: object): void {
  if (isShallow(message, MAX_DEPTH)) return
  throw new Problem('validation_failed', `The message must be nested at most ${MAX_DEPTH} deep.`, {
    errors: [{ path: '', message: `must be nested at most ${MAX_DEPTH} deep` }],
  })
}

/** Throws `validation_failed`. */
export function messageId(value: unknown): MessageId | undefined {
  if (value === undefined || value === null) return undefined
  return parseInput(z.object({ id: messageIdSchema }), { id: value }, 'message').id
}

/** The id of a message that will not be carried out, if it can be read. */
export function idIn(text: string): MessageId | undefined {
  try {
    return messageId(objectIn(text).id)
  } catch {
    return undefined // Harmless: the refusal goes out without it.
  }
}
