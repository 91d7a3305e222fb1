/** Reads the body of a request: once, from Node's request, with a size limit and strict decoding. */
import type { IncomingMessage } from 'node:http'
import type { Context } from 'hono'
import { MAX_BODY_BYTES } from '../../shared/src/protocol.ts'
import { Problem } from '../base/errors.ts'
import { UnfinishedBodies } from './unfinished-bodies.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const EMPTY = Buffer.alloc(0)
const NO_BODY = 'The body is empty; send a JSON object.'

/** Memory for bodies of which a part is still to come, together. */
const MAX_UNFINISHED_BYTES = 64 * MAX_BODY_BYTES

/**
 * The whole body. Rejects with `too_large` as soon as the limit is exceeded, `unsupported_media_type` for a content coding,
 * `bad_request` when the request ends early, `overloaded` when too much of other bodies arrived while this one did not.
 */
export type BodyReader = (incoming: IncomingMessage) => Promise<Buffer>

export function createBodyReader(): BodyReader {
  const unfinished = new UnfinishedBodies(MAX_UNFINISHED_BYTES)
  return (incoming) => readBody(incoming, unfinished)
}

function readBody(incoming: IncomingMessage, unfinished: UnfinishedBodies): Promise<Buffer> {
  const declared = Number(incoming.headers['content-length'] ?? NaN)
  if (declared === 0) return Promise.resolve(EMPTY)
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    function refuse(problem: Problem): void {
      // The rest of the body is read and discarded, so that the client can read the answer. Do not send
      // `Connection: close`: Node would close with unread bytes, and the reset could destroy the answer.
      incoming.off('data', take)
      incoming.resume()
      fail(problem)
    }
    function fail(problem: Problem): void {
      unfinished.forget(refuse)
      chunks.length = 0
      reject(problem)
    }
    function endedEarly(cause?: Error): void {
      fail(new Problem('bad_request', 'The request ended before its body was complete.', { cause }))
    }
    function take(chunk: Buffer): void {
      size += chunk.length
      if (size > MAX_BODY_BYTES) refuse(tooLarge())
      else {
        chunks.push(chunk)
        // Most bodies arrive in one piece.
        if (size !== declared) unfinished.hold(refuse, size)
      }
    }
    if (declared > MAX_BODY_BYTES) {
      refuse(tooLarge())
      return
    }
    const coding = unsupportedCoding(incoming)
    if (coding !== undefined) {
      refuse(new Problem('unsupported_media_type', `Send the body as it is, not compressed or encoded as ${coding}.`))
      return
    }
    // The client has gone while its rights were looked up: neither the end nor the close is told again.
    if (incoming.destroyed) {
      endedEarly()
      return
    }
    incoming.on('data', take)
    incoming.once('end', () => {
      incoming.off('close', endedEarly)
      unfinished.forget(refuse)
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks, size))
    })
    incoming.once('error', endedEarly)
    incoming.once('close', endedEarly)
  })
}

function tooLarge(): Problem {
  return new Problem('too_large', `The body may be at most ${MAX_BODY_BYTES} bytes. Send less at a time.`)
}

/** The first content or transfer coding that would have to be decoded; undefined when there is none. */
function unsupportedCoding({ headers }: IncomingMessage): string | undefined {
  const { 'content-encoding': content, 'transfer-encoding': transfer, 'content-length': length } = headers
  const isWithoutBody = transfer === undefined && length === undefined
  if (isWithoutBody || (content === undefined && (transfer === undefined || transfer === 'chunked'))) return undefined
  return `${content ?? ''},${transfer ?? ''}`
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .find((coding) => !['', 'identity', 'chunked'].includes(coding))
}

/** Parses the body. Throws `unsupported_media_type`, or `invalid_json` with the reason. */
export function parseJson(c: Context, raw: Buffer): unknown {
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase() ?? ''
  if (type === '' && raw.length === 0) throw new Problem('invalid_json', NO_BODY)
  if (type !== 'application/json' && !(type.startsWith('application/') && type.endsWith('+json'))) {
    throw new Problem(
      'unsupported_media_type',
      `Send the body as Content-Type: application/json${type && `, not ${type}`}.`,
    )
  }
  const charset = charsetOf(c.req.header('Content-Type') ?? '')
  if (!/^utf-?8$/i.test(charset)) {
    throw new Problem('unsupported_media_type', `Send the body in UTF-8, not in ${charset}.`)
  }
  let text: string
  try {
    text = utf8.decode(raw)
  } catch (cause) {
    throw new Problem('invalid_json', 'The body is not valid UTF-8.', { cause })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    const why = cause instanceof SyntaxError ? cause.message : 'it is nested too deeply'
    throw new Problem('invalid_json', text.trim() === '' ? NO_BODY : `The body is not JSON: ${why}.`, { cause })
  }
}

function charsetOf(contentType: string): string {
  return /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(contentType)?.[1] ?? 'utf-8'
}
