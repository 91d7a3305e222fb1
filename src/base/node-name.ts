/** The name of a node: one server process among those on a database. */
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import * as z from 'zod'

const MAX_LENGTH = 64
const RANDOM_LENGTH = 6

/** `BOARDCAST_NODE`. */
export const nodeName = z
  .string()
  .regex(/^[\w.-]{1,64}$/, `must be 1 to ${MAX_LENGTH} of letters, digits and . _ -`)
  .default(defaultNodeName)

/** The host's name, so that operators find it, and random characters: a host may run several nodes. */
function defaultNodeName(): string {
  const host = hostname().replaceAll(/[^\w.-]/g, '-')
  const random = randomBytes(RANDOM_LENGTH / 2).toString('hex')
  return `${host.slice(0, MAX_LENGTH - RANDOM_LENGTH - 1)}-${random}`
}
