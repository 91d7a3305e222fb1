/** The line of a doorbell by publish and subscribe of Redis. One connection sends and one listens, as any version allows. */
import { createClient } from 'redis'
import type { Line, LineOptions } from '../line-doorbell.ts'

const CONNECT_WITHIN_MS = 2_500

/** `url`: as the settings have checked it. */
export async function openRedisLine(url: string, { epoch, signal, onHeard, onLost }: LineOptions): Promise<Line> {
  const settings = settingsOf(url)
  const [sender, listener] = [createClient(settings), createClient(settings)]
  const clients = [sender, listener]
  function close(): void {
    for (const client of clients) client.destroy()
  }
  for (const client of clients) {
    client.on('error', onLost)
    client.on('end', () => onLost(new Error('the connection was closed')))
  }
  signal.addEventListener('abort', close, { once: true })
  await Promise.all(clients.map((client) => client.connect()))
  const channel = `boardcast:${epoch}`
  await listener.subscribe(channel, onHeard)
  // It may have been aborted while there was nothing to close yet.
  if (signal.aborted) close()
  return { send: (text) => sender.publish(channel, text) }
}

/** Taken apart here, as the library would look up an IPv6 address with its brackets as a name. */
function settingsOf(text: string) {
  const { protocol, hostname, port, username, password } = new URL(text)
  const address = {
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === '' ? 6_379 : Number(port),
    connectTimeout: CONNECT_WITHIN_MS,
    // The doorbell opens another line by itself.
    reconnectStrategy: false as const,
  }
  return {
    socket: protocol === 'rediss:' ? { ...address, tls: true as const } : address,
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    RESP: 2 as const,
    maintNotifications: 'disabled' as const,
    // A ring that cannot be sent now is of no use later.
    disableOfflineQueue: true,
  }
}
