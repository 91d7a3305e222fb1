/** Where a credential may be, in the words of both specifications. */

const BEARER = {
  type: 'http',
  scheme: 'bearer',
  bearerFormat: 'JWT',
  description: 'A token. None is needed while rights are off, as they are on loopback by default.',
} as const
const COOKIE = { in: 'cookie', name: 'boardcast_token', description: 'What a browser that signed in has.' } as const
const TICKET = {
  in: 'query',
  name: 'ticket',
  description: 'From `POST /api/v1/tickets`: it works once and for 30 seconds.',
} as const
const TOKEN = { in: 'query', name: 'token', description: 'A token, for clients that cannot send headers.' } as const

/** By name, of a specification that calls keys in requests `kind`. */
export function securitySchemes(kind: 'apiKey' | 'httpApiKey') {
  return {
    bearer: BEARER,
    cookie: { type: kind, ...COOKIE },
    ticket: { type: kind, ...TICKET },
    token: { type: kind, ...TOKEN },
  }
}
