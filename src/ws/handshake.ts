/** The WebSocket handshake: version 13 (RFC 6455), without extensions or subprotocols. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { Problem } from '../base/errors.ts'
import { refuseUpgrade } from '../http/problem-answers.ts'

const VERSION = '13'

/** Removes offers that libraries would accept. Returns false if it has refused the handshake. `node`: who answers. */
export function negotiate(incoming: IncomingMessage, socket: Duplex, node: string): boolean {
  const { headers } = incoming
  // No subprotocol is defined. A library would confirm the first one that the client names.
  delete headers['sec-websocket-protocol']
  const version = headers['sec-websocket-version']
  // A library accepts version 8 as well, in which the origin of a page is in another header.
  if (version === undefined || version === VERSION) return true
  refuseUpgrade(
    incoming,
    socket,
    new Problem('upgrade_required', `The WebSocket protocol must be version ${VERSION}.`),
    node,
    { Upgrade: 'websocket', Connection: 'Upgrade, close', 'Sec-WebSocket-Version': VERSION },
  )
  return false
}
