/** What becomes of a stream whose client accepts gzip, and of one that does not. */
import { causeOf } from '../findings/causes.ts'
import { type Finding, fail, ok, warn } from '../findings/finding.ts'
import type { Middle } from '../findings/middle.ts'
import { type Bench, MissingRight, OPENING_MS } from './bench.ts'

export interface Encodings {
  /** `Content-Encoding` of the stream that was asked for with `Accept-Encoding: identity`. */
  readonly identity: string
  readonly gzip: string
  /** Whether what was sent on the stream with gzip came. */
  readonly came: boolean
  readonly undecodable: string | undefined
}

export async function probeCompression(bench: Bench): Promise<Finding> {
  const { main, middle } = bench
  const stream = bench.open({}, { 'Accept-Encoding': 'gzip' })
  await stream.until(() => stream.event('hello') !== undefined || stream.undecodable !== undefined, OPENING_MS)
  if (stream.error !== undefined) throw stream.error
  let came = stream.event('hello') !== undefined
  if (stream.undecodable === undefined) {
    try {
      came = (await bench.arrivalOf(stream, (await bench.post()).n)) !== undefined
    } catch (error) {
      // The stream itself has shown that it can be read.
      if (!(error instanceof MissingRight)) throw error
    }
  }
  stream.close()
  return judgeEncodings(
    {
      identity: encodingOf(main.head?.headers['content-encoding']),
      gzip: encodingOf(stream.head?.headers['content-encoding']),
      came,
      undecodable: stream.undecodable,
    },
    middle,
  )
}

function encodingOf(header: string | undefined): string {
  return header ?? 'identity'
}

export function judgeEncodings({ identity, gzip, came, undecodable }: Encodings, middle: Middle): Finding {
  const measured = { identity, gzip }
  if (identity !== 'identity') {
    const shows = `Content-Encoding: ${identity} on a request with Accept-Encoding: identity`
    return fail(measured, causeOf('forcesGzip', middle, shows))
  }
  if (undecodable !== undefined) return fail(measured, causeOf('breaksGzip', middle, undecodable))
  if (!came) {
    const shows = 'with Accept-Encoding: gzip events do not come, without they do'
    return fail(measured, causeOf('holdsGzip', middle, shows))
  }
  if (gzip === 'identity') {
    return warn(measured, causeOf('dropsEncoding', middle, 'the server compresses what is asked for with gzip'))
  }
  return ok(measured, `${gzip} only for clients that accept it`)
}
