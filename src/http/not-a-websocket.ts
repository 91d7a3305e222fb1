/**
 * Node emits `upgrade` for every request that offers one, including an upgrade to HTTP/2 without TLS (`h2c`), which
 * clients such as `curl --http2` offer with their first request. A server may ignore the offer (RFC 9110, 7.8).
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'

const OFFERS = /^(upgrade|http2-settings)$/i

/** Serves the request as if nothing had been offered: it is put back, and read again without the offer. */
export function serveWithoutUpgrade(server: Server, incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = incoming
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    if (OFFERS.test(name)) continue
    lines.push(/^connection$/i.test(name) ? `${name}: ${withoutOffers(value)}` : `${name}: ${value}`)
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]))
  server.emit('connection', socket)
}

export function asksForWebSocket({ headers }: IncomingMessage): boolean {
  return (headers.upgrade ?? '').split(',').some((offer) => offer.trim().toLowerCase() === 'websocket')
}

function withoutOffers(value: string): string {
  const kept = value.split(',').filter((option) => !OFFERS.test(option.trim()))
  return kept.length > 0 ? kept.join(',').trim() : 'keep-alive'
}
