/** One Socket.IO client: it emits `subscribe` and `unsubscribe`, and every event reaches it as `message`. */
import type { Socket as Client } from 'socket.io'
import { uuidv7 } from 'uuidv7'
import * as z from 'zod'
import { MESSAGE_BURST } from '../../../shared/src/protocol.ts'
import { EVERY_TYPE } from '../../../shared/src/type-filter.ts'
import type { Subject } from '../../auth/subject.ts'
import { onOneLine } from '../../base/json.ts'
import { parseInput } from '../../base/validation.ts'
import type { Admission } from '../../connections/admission.ts'
import { Connection, type ConnectionDependencies } from '../../connections/connection.ts'
import type { Place } from '../../connections/connection-limit.ts'
import { Selection } from '../../sse/delivery/selection.ts'
import { Inbox } from '../inbox.ts'
import { join, leave, type MembershipDependencies } from '../membership.ts'
import { SocketRefusal, socketErrorOf, TOO_MANY } from '../socket-errors.ts'
import { socketIoFraming } from './framing.ts'
import { SocketIoSink } from './sink.ts'

/** Whose connection it is. */
export interface SocketIoHolder {
  readonly subject: Subject
  readonly place: Place
}

export interface SocketIoPeerDependencies extends ConnectionDependencies, MembershipDependencies {
  readonly admission: Admission
  onError(error: unknown): void
}

/** The argument of a client: a channel, alone or with the cursor to go on after. */
const subscription = z
  .union(
    [z.string(), z.object({ channel: z.string(), since: z.string().nullish() })],
    'must be a channel, or {channel, since}',
  )
  .transform((asked) => (typeof asked === 'string' ? { channel: asked, since: undefined } : asked))

/** Calls `done` with the channel's name when it takes effect. */
type Work = (done: (channel: string) => void) => Promise<void>

export class SocketIoPeer {
  readonly #dependencies: SocketIoPeerDependencies
  readonly #client: Client
  readonly #connection: Connection<SocketIoSink>
  readonly #inbox: Inbox

  readonly #subject: Subject

  constructor(dependencies: SocketIoPeerDependencies, client: Client, { subject, place }: SocketIoHolder) {
    this.#dependencies = dependencies
    this.#client = client
    this.#subject = subject
    this.#connection = new Connection(dependencies, {
      transport: 'socketio',
      framing: socketIoFraming,
      connect: (owner) => new SocketIoSink(client, owner),
      selection: new Selection([], EVERY_TYPE, { sees: subject.subscribe }),
      withOpeningFrames: false,
      outlivesChannels: true,
      subject,
      place,
    })
    this.#inbox = new Inbox(MESSAGE_BURST, dependencies.onError)
    client.on('subscribe', (...given: unknown[]) => this.#subscribe(given))
    client.on('unsubscribe', (...given: unknown[]) => this.#unsubscribe(given))
    client.onAny((event: string, ...given: unknown[]) => {
      if (event !== 'subscribe' && event !== 'unsubscribe') this.#receive(refuseUnknown, given.at(-1))
    })
  }

  /** Does not reject: a connection that cannot be opened is closed and reported. */
  open(): Promise<void> {
    return this.#connection.open({ kind: 'fresh' }, uuidv7()).catch(this.#dependencies.onError)
  }

  #subscribe(given: readonly unknown[]): void {
    const { argument, ack } = argumentsOf(given)
    const { subscription } = this.#connection
    const member = { subscription, subject: this.#subject }
    this.#receive((done) => join(this.#dependencies, member, parse(argument), done), ack)
  }

  #unsubscribe(given: readonly unknown[]): void {
    const { argument, ack } = argumentsOf(given)
    this.#receive((done) => leave(this.#connection.subscription, parse(argument).channel, done), ack)
  }

  #receive(work: Work, ack: unknown): void {
    const verdict = this.#inbox.admit(1)
    if (verdict === 'close') this.#connection.end('flooding')
    else if (verdict === 'refuse') void this.#answer(() => Promise.reject(TOO_MANY), ack)
    else this.#inbox.add(() => this.#answer(work, ack), 1)
  }

  async #answer(work: Work, ack: unknown): Promise<void> {
    try {
      await work((channel) => {
        if (typeof ack === 'function') ack({ success: true, channel })
      })
    } catch (thrown) {
      const refusal = socketErrorOf(thrown, this.#dependencies.onError)
      // It may quote the client, and the library writes line separators as they are.
      const error = { ...refusal, message: onOneLine(refusal.message) }
      if (typeof ack === 'function') ack({ success: false, ...error })
      else this.#client.emit('error', error)
    }
  }
}

async function refuseUnknown(): Promise<never> {
  throw new SocketRefusal('UNKNOWN_MESSAGE_TYPE', 'A client emits subscribe and unsubscribe, and nothing else.')
}

/** The acknowledgement is the last argument, even if the client left out the one before it. */
function argumentsOf(given: readonly unknown[]): { argument: unknown; ack: unknown } {
  const last = given.at(-1)
  return typeof last === 'function'
    ? { argument: given.length > 1 ? given[0] : undefined, ack: last }
    : { argument: given[0], ack: undefined }
}

function parse(argument: unknown): { channel: string; since?: string | null | undefined } {
  return parseInput(z.object({ channel: subscription }), { channel: argument }, 'message').channel
}
