/**
 * Serves the contract. Nobody needs a token for it, and its bytes change only with the version. It is loaded and rendered
 * when it is first asked for.
 */
import { createHash } from 'node:crypto'
import type { Context, Hono } from 'hono'
import { parseInput } from '../base/validation.ts'
import type { OpenApiVersion } from '../contract/index.ts'
import type { Env } from '../routes/api.ts'

interface Document {
  readonly text: string
  readonly etag: string
}

export function registerContract(app: Hono<Env>): void {
  const openApi = new Map<OpenApiVersion, Document>()
  app.get('/openapi.json', async (c) => {
    const { openApiQuery, renderOpenApi } = await import('../contract/index.ts')
    const { version } = parseInput(openApiQuery, c.req.query(), 'query')
    let document = openApi.get(version)
    if (!document) {
      document = withEtag(renderOpenApi(version))
      openApi.set(version, document)
    }
    return answer(c, document)
  })

  let asyncApi: Document | undefined
  app.get('/asyncapi.json', async (c) => {
    const { renderAsyncApi } = await import('../contract/index.ts')
    asyncApi ??= withEtag(renderAsyncApi())
    return answer(c, asyncApi)
  })
}

function answer(c: Context<Env>, { text, etag }: Document): Response {
  c.header('ETag', etag)
  // Revalidated for every use: the next version of the server has another one under the same address.
  c.header('Cache-Control', 'no-cache')
  const known = c.req
    .header('If-None-Match')
    ?.split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
  if (known?.includes(etag) || known?.includes('*')) return c.body(null, 304)
  return c.body(text, 200, { 'Content-Type': 'application/json' })
}

function withEtag(text: string): Document {
  return { text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` }
}
