/** Which message of the AsyncAPI document it is that came, or was sent, on a connection. */
import { asyncApi, compiler, type Json } from './documents.ts'

export interface Said {
  /** The name of the frame or of the event, or the type of the message. */
  readonly name: string
  readonly payload: unknown
  /** On streams. */
  readonly headers?: Json
}

export interface Judge {
  readonly keys: Readonly<Record<string, readonly string[]>>
  /** The keys of the messages that it is valid as, which should be one, and why it is none of the others with its name. */
  judge(channel: string, by: 'client' | 'server', said: Said): { keys: readonly string[]; faults: readonly string[] }
}

export function messageJudge(): Judge {
  const document = asyncApi()
  const compile = compiler(document, true)

  function verdicts(channel: string, by: 'client' | 'server', { name, payload, headers }: Said) {
    const messages = Object.entries(document.channels[channel]?.messages ?? {})
    return messages
      .filter(([key, message]) => key.startsWith('client.') === (by === 'client') && (message.name ?? name) === name)
      .map(([key, message]) => {
        const [body, fields] = [compile(message.payload), message.headers && compile(message.headers)]
        if (!body(payload)) return { key, fault: `${key}: ${JSON.stringify(body.errors)}` }
        if (fields && !fields(headers)) return { key, fault: `${key}, fields: ${JSON.stringify(fields.errors)}` }
        return { key, fault: null }
      })
  }

  return {
    keys: Object.fromEntries(
      Object.entries(document.channels).map(([channel, { messages }]) => [channel, Object.keys(messages)]),
    ),
    judge(channel, by, said) {
      const all = verdicts(channel, by, said)
      return {
        keys: all.filter(({ fault }) => fault === null).map(({ key }) => key),
        faults: all.flatMap(({ fault }) => fault ?? []),
      }
    },
  }
}

/** The frames in the text of a stream, without the last if it is not complete. */
export function framesIn(body: string): Said[] {
  return body
    .split('\n\n')
    .slice(0, -1)
    .map((text) => {
      const fields = Object.fromEntries(
        text.split('\n').map((line) => [line.slice(0, line.indexOf(': ')), line.slice(line.indexOf(': ') + 2)]),
      )
      const { data = '', event = '', id, retry } = fields
      const headers = { event, ...(id !== undefined && { id }), ...(retry !== undefined && { retry: Number(retry) }) }
      return { name: event, payload: JSON.parse(data) as unknown, headers }
    })
}

/** A message of a server on a socket. */
export function messageIn(text: string): Said {
  const payload = JSON.parse(text) as { type: string; event?: string }
  return { name: payload.type === 'event' ? (payload.event ?? '') : payload.type, payload }
}
