/** The contract of a server: its AsyncAPI document, which has a message for each event on each kind of channel. */
import type { Api } from '../../cli/api/api.ts'
import { fetchFrom } from '../../cli/api/fetch.ts'
import { parseJson } from '../../text/json-line.ts'

export type Schema = Readonly<Record<string, unknown>>
export type Document = Readonly<Record<string, unknown>>

const PATH = '/asyncapi.json'

interface Known {
  readonly etag: string
  readonly document: Document
}

const known = new Map<string, Known>()

/** As the server has it now; the same object while it does not change. Rejects if the server has no such document. */
export async function documentOf({ baseUrl }: Api): Promise<Document> {
  const before = known.get(baseUrl)
  const headers = before && { 'If-None-Match': before.etag }
  const response = await fetchFrom(baseUrl, PATH, { ...(headers && { headers }), redirect: 'manual' })
  if (response.status === 304 && before) return before.document
  const document = response.ok ? parseJson(await response.text()) : undefined
  if (typeof document !== 'object' || document === null) {
    throw new Error(`${baseUrl}${PATH} answered ${response.status}, and not with a contract`)
  }
  const now = { etag: response.headers.get('ETag') ?? '', document: document as Document }
  known.set(baseUrl, now)
  return now.document
}

/** What a pointer such as `#/channels/channelStream` leads to, and the pointer at the end of all references. */
export function followed(document: Document, pointer: string): { pointer: string; value: Schema | undefined } {
  const steps = pointer.slice('#/'.length).split('/')
  const value = steps.reduce<unknown>(
    (at, step) => (at as Schema | undefined)?.[step.replaceAll('~1', '/').replaceAll('~0', '~')],
    document,
  ) as Schema | undefined
  return typeof value?.$ref === 'string' ? followed(document, value.$ref) : { pointer, value }
}
