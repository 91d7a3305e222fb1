/** Databases as commands name them: a file, or the URL of a database of PostgreSQL. */
import { isDatabaseUrl } from '../../base/database-url.ts'
import { type CopySource, type CopyTarget, DatabaseRefused } from '../copying.ts'
import { openSqliteSource } from '../sqlite/copy-source.ts'
import { openSqliteTarget } from '../sqlite/copy-target.ts'

const URL_LIKE = /^(postgres(ql)?:|[a-z][a-z0-9+.-]*:\/\/)/i

export interface OpenedSource {
  readonly source: CopySource
  /** Which database it is, for a target of the same kind. */
  readonly path?: string
  readonly identity?: string
}

/** Rejects with DatabaseRefused. The driver of PostgreSQL is loaded only if it is needed. */
export async function openSource(given: string): Promise<OpenedSource> {
  if (isUrl(given, 'SOURCE')) {
    const { openPostgresSource } = await import('../postgres/copy-source.ts')
    const source = await openPostgresSource(given)
    return { source, identity: source.identity }
  }
  const source = await openSqliteSource(given)
  return { source, path: source.path }
}

/** Rejects with DatabaseRefused, also if it is the source. */
export async function openTarget(given: string, { path, identity }: OpenedSource): Promise<CopyTarget> {
  if (!isUrl(given, 'TARGET')) return openSqliteTarget(given, path)
  const { openPostgresTarget } = await import('../postgres/copy-target.ts')
  return openPostgresTarget(given, identity)
}

/** Throws DatabaseRefused for a URL of another kind. */
function isUrl(given: string, label: string): boolean {
  if (isDatabaseUrl(given)) return true
  if (!URL_LIKE.test(given)) return false
  throw noDatabaseUrl(`${label} must be a file, or`)
}

/** The URL is not quoted: it may hold a password. */
export function noDatabaseUrl(beginning: string): DatabaseRefused {
  return new DatabaseRefused(`${beginning} a URL such as postgres://user:password@host:5432/boardcast.`, {
    isUsage: true,
  })
}
