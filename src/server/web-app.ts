/** The built web app: one page for all its addresses, and the files that the page loads. */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { serveStatic } from '@hono/node-server/serve-static'
import type { Context, Hono } from 'hono'
import { parsePrefix } from '../base/base-path.ts'
import { Problem } from '../base/errors.ts'
import { PAGE_SECURITY } from '../base/security-headers.ts'
import { onlyReadableRanges, partOf } from '../http/static-ranges.ts'
import type { Env } from '../routes/api.ts'

export interface WebApp {
  /** Folder of the built files. */
  readonly root: string
  /** The path that browsers see in front of every address; '': a proxy may set it for each request. */
  readonly basePath: string
  /** Whether the page's commands need a token. */
  readonly hasRights: boolean
}

const FORWARDED_PREFIX = 'X-Forwarded-Prefix'
/**
 * Browsers send it over TLS and to loopback only. Elsewhere they would ignore `Cross-Origin-Opener-Policy` and report that
 * as an error.
 */
const FETCH_METADATA = 'Sec-Fetch-Dest'
/** The build puts a hash of the contents into the names there. */
const HASHED = '/assets/'
const FOR_EVER = 'public, max-age=31536000, immutable'
/** Cached, but revalidated for every use: an old page would load files that a new build no longer has. */
const ASK_FIRST = 'no-cache'

const [RIGHTS_OFF, RIGHTS_ON] = ['name="rights" content="off"', 'name="rights" content="on"']

/** The built files lie beside the built program, and in dist if it runs from its sources (src/main.ts); null: not built. */
export function findWebRoot(mainUrl: string): string | null {
  const candidates = ['./web', '../web', '../dist/web'].map((path) => fileURLToPath(new URL(path, mainUrl)))
  return candidates.find((path) => existsSync(`${path}/index.html`)) ?? null
}

export function registerWebApp(app: Hono<Env>, { root, basePath, hasRights }: WebApp): void {
  const built = readFileSync(join(root, 'index.html'), 'utf8')
  const pageFor = pages(hasRights ? built.replace(RIGHTS_OFF, RIGHTS_ON) : built)
  const file = serveStatic<Env>({ root })

  app.get('*', async (c, next) => {
    await next()
    for (const [name, value] of Object.entries(PAGE_SECURITY)) c.header(name, value)
    if (c.res.ok) c.header('Cache-Control', c.req.path.startsWith(HASHED) ? FOR_EVER : ASK_FIRST)
  })
  // A page of an older build may request files that are not there. It must not get the page instead.
  app.get(`${HASHED}*`, onlyReadableRanges, file, (c) => {
    throw new Problem('not_found', `There is no ${c.req.path}; it may belong to another build. Reload the page.`)
  })
  app.get('/', onlyReadableRanges, page)
  app.get('/index.html', onlyReadableRanges, page)
  app.get('*', onlyReadableRanges, file)
  app.get('*', async (c, next) => (c.req.header('Accept')?.includes('text/html') ? page(c) : next()))

  function page(c: Context<Env>): Response {
    const { html, etag } = pageFor(basePath || parsePrefix(c.req.header(FORWARDED_PREFIX) ?? '') || '')
    // A shared cache must keep apart the pages of different prefixes, and the answers to programs.
    c.header('Vary', `Accept, ${FORWARDED_PREFIX}, ${FETCH_METADATA}`, { append: true })
    if (c.req.header(FETCH_METADATA) !== undefined) c.header('Cross-Origin-Opener-Policy', 'same-origin')
    c.header('ETag', etag)
    if (isKnown(c.req.header('If-None-Match'), etag)) {
      c.header('Cache-Control', ASK_FIRST)
      return c.body(null, 304)
    }
    const range = c.req.method === 'GET' ? c.req.header('Range') : undefined
    return range === undefined ? c.body(html, 200, HTML) : partial(c, Buffer.from(html), range)
  }
}

const HTML = { 'Content-Type': 'text/html; charset=utf-8' }

function partial(c: Context<Env>, bytes: Buffer, range: string): Response {
  const part = partOf(bytes.length, range)
  if (!part) return c.body(null, 416, { 'Content-Range': `bytes */${bytes.length}` })
  const { first, last } = part
  const headers = { ...HTML, 'Content-Range': `bytes ${first}-${last}/${bytes.length}` }
  return c.body(new Uint8Array(bytes.subarray(first, last + 1)), 206, headers)
}

interface Page {
  readonly html: string
  readonly etag: string
}

/** The page with the prefix in front of every address in it. Relative addresses would break at deep links. */
function pages(built: string): (prefix: string) => Page {
  function render(prefix: string): Page {
    // A prefix contains no characters with a meaning in HTML, nor a `$`.
    const html = built.replace(/ (href|src|content)="\//g, ` $1="${prefix}/`)
    return { html, etag: `"${createHash('sha256').update(html).digest('base64url').slice(0, 22)}"` }
  }
  const plain = render('')
  return (prefix) => (prefix === '' ? plain : render(prefix))
}

function isKnown(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  return header.split(',').some((known) => known.trim().replace(/^W\//, '') === etag || known.trim() === '*')
}
