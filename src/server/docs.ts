/** Serves the page of the contract and its files. Nobody needs a token for them. */
import type { Context, Hono } from 'hono'
import { parsePrefix } from '../base/base-path.ts'
import { Problem } from '../base/errors.ts'
import { PAGE_SECURITY } from '../base/security-headers.ts'
import type { Place } from '../contract/index.ts'
import { answerText, type TextDocument, textDocument } from '../http/text-documents.ts'
import type { Env } from '../routes/api.ts'

export interface DocsSettings {
  /** The path that browsers see in front of every address; '': a proxy may set it for each request. */
  readonly basePath: string
  /** Whether the commands of the page need a token. */
  readonly hasRights: boolean
}

const FORWARDED_PREFIX = 'X-Forwarded-Prefix'
const FORWARDED_PROTO = 'X-Forwarded-Proto'
/** A server has few addresses. Whoever invents more costs the time to make the page, and no memory. */
const MAX_PAGES = 4

export function registerDocs(app: Hono<Env>, { basePath, hasRights }: DocsSettings): void {
  const pages = new Map<string, TextDocument>()
  const files = new Map<string, TextDocument>()

  app.get('/docs', async (c) => {
    const { originOf, renderDocs } = await import('../contract/index.ts')
    const scheme = c.req.header(FORWARDED_PROTO) === 'https' ? 'https' : 'http'
    const place = { origin: originOf(scheme, c.req.header('Host')), prefix: prefixOf(c), hasRights }
    // A shared cache must keep apart the pages of different addresses.
    c.header('Vary', `${FORWARDED_PREFIX}, ${FORWARDED_PROTO}`)
    return answer(c, pageAt(place, renderDocs))
  })

  app.get('/docs/*', async (c) => {
    const name = c.req.path.slice('/docs/'.length)
    if (name === '') return c.redirect(`${prefixOf(c)}/docs`, 301)
    const { DOCS_FILES } = await import('../contract/index.ts')
    const file = Object.hasOwn(DOCS_FILES, name) ? DOCS_FILES[name] : undefined
    if (!file) throw new Problem('not_found', `There is no ${c.req.path}. The page is /docs.`)
    const document = files.get(name) ?? textDocument(file.text, file.contentType)
    files.set(name, document)
    return answer(c, document)
  })

  function prefixOf(c: Context<Env>): string {
    return basePath || parsePrefix(c.req.header(FORWARDED_PREFIX) ?? '') || ''
  }

  function pageAt(place: Place, render: (place: Place) => string): TextDocument {
    const key = place.origin + place.prefix
    const page = pages.get(key) ?? textDocument(render(place), 'text/html; charset=utf-8')
    pages.delete(key)
    pages.set(key, page)
    const [oldest] = pages.keys()
    if (pages.size > MAX_PAGES && oldest !== undefined) pages.delete(oldest)
    return page
  }
}

function answer(c: Context<Env>, document: TextDocument): Promise<Response> {
  for (const [name, value] of Object.entries(PAGE_SECURITY)) c.header(name, value)
  return answerText(c, document)
}
