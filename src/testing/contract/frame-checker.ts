/** Checks the frames of streams and sockets against the messages of a contract. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { type Breach, breachFrom } from './breach.ts'
import { type Document, followed, type Schema } from './document.ts'

/** What is checked: an envelope, or the message of a socket, and of an SSE event its other fields. */
export interface CheckedFrame {
  readonly payload: unknown
  readonly headers?: object | undefined
}

interface Message {
  /** The addresses of its schemas in the document. */
  readonly payload: string
  readonly headers: string | undefined
  readonly properties: Readonly<Record<string, Schema>>
}

const BASE = 'https://contract.example/'
const CHANNELS = { sse: 'channelStream', ws: 'channelSocket' } as const

export class FrameChecker {
  readonly #ajv: Ajv
  readonly #compiled = new Map<string, ValidateFunction>()
  readonly #messages: readonly Message[]

  /** Throws if the document has no messages for the transport. */
  constructor(document: Document, transport: keyof typeof CHANNELS) {
    this.#ajv = new Ajv({ strict: false, allErrors: false })
    addFormats.default(this.#ajv)
    this.#ajv.addSchema({ ...document, $id: BASE })
    this.#messages = messagesIn(document, `#/channels/${CHANNELS[transport]}/messages`)
  }

  /** undefined: the frame is as it should be. */
  breach({ payload, headers }: CheckedFrame): Breach | undefined {
    const { type, event, channel } = fieldsOf(payload)
    const named = this.#messages.filter(({ properties }) =>
      event === undefined ? properties.type?.const === type : properties.event?.const === event,
    )
    const candidates = named.length > 0 ? named : this.#messages.filter(isPosted)
    const own = candidates.filter(({ properties }) => channel === undefined || isChannel(properties.channel, channel))
    if (own.length === 0 || (event === undefined && named.length === 0)) return unknown(payload, named.length > 0)
    const breaches = own.map((message) => this.#breachOf(message, payload, headers))
    return breaches.every((breach) => breach !== undefined) ? breaches[0] : undefined
  }

  #breachOf(message: Message, payload: unknown, headers: object | undefined): Breach | undefined {
    const error = this.#error(message.payload, payload)
    if (error) return breachFrom(error, payload)
    const other = message.headers === undefined ? undefined : this.#error(message.headers, headers)
    if (!other) return undefined
    const breach = breachFrom(other, headers)
    return { ...breach, path: `${breach.path} of the frame` }
  }

  #error(pointer: string, value: unknown): ErrorObject | undefined {
    const validate = this.#compiled.get(pointer) ?? this.#ajv.compile({ $ref: BASE + pointer })
    this.#compiled.set(pointer, validate)
    return validate(value) ? undefined : validate.errors?.[0]
  }
}

function messagesIn(document: Document, pointer: string): Message[] {
  const { value = {} } = followed(document, pointer)
  const messages = Object.keys(value).map((key): Message => {
    const message = followed(document, `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`)
    const payload = followed(document, `${message.pointer}/payload`)
    return {
      payload: payload.pointer,
      headers: message.value?.headers === undefined ? undefined : `${message.pointer}/headers`,
      properties: (payload.value?.properties ?? {}) as Message['properties'],
    }
  })
  if (messages.length === 0) throw new Error(`the contract of the server has nothing at ${pointer}`)
  return messages
}

/** Clients choose the names of such events. */
function isPosted({ properties }: Message): boolean {
  return properties.event !== undefined && properties.event.const === undefined
}

function isChannel(schema: Schema | undefined, channel: string): boolean {
  if (schema === undefined) return false
  if (schema.const !== undefined) return schema.const === channel
  return typeof schema.pattern === 'string' && new RegExp(schema.pattern, 'u').test(channel)
}

function unknown(payload: unknown, isNamed: boolean): Breach {
  const { type, event, channel } = fieldsOf(payload)
  if (isNamed) return { path: 'channel', rule: `is not a channel that shows ${event}`, received: channel }
  if (event === undefined) return { path: 'type', rule: 'is not in the contract', received: type }
  return { path: 'event', rule: 'is not in the contract; other names are for topics', received: event }
}

function fieldsOf(payload: unknown): { type?: string; event?: string; channel?: string } {
  const fields = typeof payload === 'object' && payload !== null ? (payload as Schema) : {}
  const text = (name: string) => (typeof fields[name] === 'string' ? { [name]: fields[name] } : {})
  return { ...text('type'), ...text('event'), ...text('channel') }
}
