/** What of a WebSocket handshake is agreed to: version 13 (RFC 6455), and nothing else that a client may offer. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { HEADER } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'
import { requestIdOf } from '../http/request-id.ts'
import { refuseUpgrade } from './refusal.ts'

const VERSION = '13'

/** Answers a handshake of another version, and takes away offers that libraries would agree to. False: it was answered. */
export function negotiate({ headers }: IncomingMessage, socket: Duplex): boolean {
  // There is no subprotocol here. A library would confirm the first one that the client names.
  delete headers['sec-websocket-protocol']
  const version = headers['sec-websocket-version']
  // A library takes version 8 as well, which names the origin of a page in another header.
  if (version === undefined || version === VERSION) return true
  refuseUpgrade(socket, new Problem('upgrade_required', `The WebSocket protocol must be version ${VERSION}.`), {
    [HEADER.requestId]: requestIdOf(headers),
    Upgrade: 'websocket',
    Connection: 'Upgrade, close',
    'Sec-WebSocket-Version': VERSION,
  })
  return false
}
