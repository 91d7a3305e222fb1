/** Who connects: asked before a client of Socket.IO gets a connection. */
import type { Socket as Client } from 'socket.io'
import type { Subject } from '../../auth/subject.ts'
import { Problem } from '../../base/errors.ts'
import { type Admission, tooManyConnections } from '../../connections/admission.ts'
import type { BadTokens } from '../../http/bad-tokens.ts'
import { socketErrorOf } from '../socket-errors.ts'
import type { SocketIoHolder } from './peer.ts'

export interface HandshakeDependencies {
  readonly admission: Admission
  readonly badTokens: BadTokens
  onError(error: unknown): void
}

const NO_TOKEN = 'This needs a token. Give the client the option "auth: { token }", with a text as the token.'

/** A function of the library that is called with every client, and lets it connect or not. */
type Middleware = (client: Client, next: (refusal?: Error) => void) => void

export interface Handshakes {
  readonly middleware: Middleware
  /** Of a client that was let in. */
  holderOf(client: Client): SocketIoHolder
}

/** A refused client gets a `connect_error`. */
export function createHandshakes({ admission, badTokens, onError }: HandshakeDependencies): Handshakes {
  const holders = new WeakMap<Client, SocketIoHolder>()

  async function admit(client: Client): Promise<void> {
    const subject = await subjectOf(admission, client)
    const place = admission.take(subject, admission.addressOf(client.request))
    if (!place) throw tooManyConnections()
    holders.set(client, { subject, place })
    // The library forgets a client that has disconnected meanwhile, without an event. Nothing can end it from here on until
    // its connection takes over.
    if (client.conn.readyState !== 'open') place.giveBack()
  }

  return {
    middleware(client, next) {
      admit(client).then(
        () => next(),
        (thrown: unknown) => {
          const refused = thrown instanceof Problem ? badTokens.refusalOf(thrown, client.request) : thrown
          next(refusalOf(refused, onError))
        },
      )
    },
    holderOf(client) {
      const holder = holders.get(client)
      if (!holder) throw new Error('a client was connected without a handshake')
      return holder
    },
  }
}

/** The token is in the handshake; where clients cannot put it there, it is where streams have it. */
async function subjectOf(admission: Admission, { handshake: { auth, headers, query } }: Client): Promise<Subject> {
  const token: unknown = auth.token
  if (typeof token === 'string') return admission.verify(token)
  try {
    return await admission.authenticate({
      header: (name) => first(headers[name.toLowerCase()]),
      query: (name) => first(query[name]),
    })
  } catch (thrown) {
    const hasNone = thrown instanceof Problem && thrown.code === 'unauthenticated' && thrown.tokenError === undefined
    throw hasNone ? new Problem('unauthenticated', NO_TOKEN) : thrown
  }
}

/** `data` has what an acknowledgement of a refused message has. */
function refusalOf(thrown: unknown, onError: (error: unknown) => void): Error {
  const data = socketErrorOf(thrown, onError)
  const isOfCredential = thrown instanceof Problem && thrown.body.status === 401
  return Object.assign(new Error(isOfCredential ? 'Authentication error' : data.error), { data })
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
