/** Texts that rarely change, and are the same for everyone: with an `ETag`, compressed once. */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Context } from 'hono'
import { acceptsGzip } from '../sse/wire/accept-encoding.ts'

export interface TextDocument {
  readonly text: string
  readonly contentType: string
  readonly etag: string
  /** When it is first wanted. */
  gzipped(): Promise<Uint8Array<ArrayBuffer>>
}

const compress = promisify(gzip)

export function textDocument(text: string, contentType: string): TextDocument {
  let gzipped: Promise<Uint8Array<ArrayBuffer>> | undefined
  return {
    text,
    contentType,
    etag: createHash('sha256').update(text).digest('base64url').slice(0, 22),
    gzipped() {
      gzipped ??= compress(text).then((bytes) => new Uint8Array(bytes))
      return gzipped
    },
  }
}

/** The document, or 304 to whoever has it. */
export async function answerText(c: Context, document: TextDocument): Promise<Response> {
  const { text, contentType, etag } = document
  const isGzipped = acceptsGzip(c.req.header('Accept-Encoding'))
  const own = `"${etag}${isGzipped ? '-gzip' : ''}"`
  c.header('ETag', own)
  // Revalidated for every use: the next version of the server has another one under the same address.
  c.header('Cache-Control', 'no-cache')
  c.header('Vary', 'Accept-Encoding', { append: true })
  const known = c.req
    .header('If-None-Match')
    ?.split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
  if (known?.includes(own) || known?.includes('*')) return c.body(null, 304)
  c.header('Content-Type', contentType)
  if (!isGzipped) return c.body(text, 200)
  c.header('Content-Encoding', 'gzip')
  return c.body(await document.gzipped(), 200)
}
