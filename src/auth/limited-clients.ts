/** Whom limits count for. */
import type { IncomingMessage } from 'node:http'
import { isLoopback, parseHostName } from '../base/authority.ts'
import type { Config } from '../base/config.ts'
import type { Subject } from './subject.ts'

/** The subject while rights are on. Without rights the address, and nobody while only this machine is listened to. */
export function limitedClients({ host }: Pick<Config, 'host'>, isAuthOn: boolean) {
  const byAddress = !isAuthOn && !isLoopback(parseHostName(host) ?? host)
  return {
    addressOf: ({ socket }: IncomingMessage) => (byAddress ? (socket.remoteAddress ?? '') : ''),
    clientOf: ({ id }: Subject, address: string) => (isAuthOn ? id : byAddress ? address : undefined),
  }
}
