/**
 * The contract as pure functions: the server and the command line show the same bytes.
 *
 *   renderOpenApi('3.2')      the text of /openapi.json
 *   renderAsyncApi()          the text of /asyncapi.json
 *   eventList()               every event on every kind of channel
 *   eventSchema(kind, name)   the JSON Schema of its payload there
 *   eventSchemaText(...)      its text, as files and the server have it
 *   renderDocs(place)         the page /docs at an address; DOCS_FILES is what it loads
 */

import type { Api } from '../routes/api.ts'
import { registerApiRoutes } from '../routes/api-routes.ts'
import { type DeclaredRoute, declaredMutation, declaredRead } from '../routes/declared.ts'
import { asyncApiDocument } from './asyncapi.ts'
import type { OpenApiVersion } from './contract-operations.ts'
import { docsTemplate, fill, type Place, type Template } from './docs-page/index.ts'
import { eventSchema } from './event-schemas.ts'
import { openApiDocument } from './openapi.ts'

export { OPENAPI_VERSIONS, type OpenApiVersion, openApiQuery } from './contract-operations.ts'
export { FILES as DOCS_FILES, originOf, type Place } from './docs-page/index.ts'
export { eventList, eventSchema, type ListedEvent } from './event-schemas.ts'

/** The routes of the API as they are declared, without a server. */
export function declaredRoutes(): readonly DeclaredRoute[] {
  const routes: DeclaredRoute[] = []
  const api: Api = {
    routes,
    get(path, options) {
      routes.push(declaredRead(path, options))
    },
    mutate(method, path, options) {
      routes.push(declaredMutation(method, path, options))
    },
  }
  registerApiRoutes(api, () => Promise.resolve())
  return routes
}

const rendered = new Map<OpenApiVersion, string>()

/** Made once for each version, when it is first asked for. */
export function renderOpenApi(version: OpenApiVersion): string {
  let text = rendered.get(version)
  if (text === undefined) {
    text = JSON.stringify(openApiDocument(declaredRoutes(), version))
    rendered.set(version, text)
  }
  return text
}

let asyncApi: string | undefined

/** Made once, when it is first asked for. */
export function renderAsyncApi(): string {
  asyncApi ??= JSON.stringify(asyncApiDocument(declaredRoutes()))
  return asyncApi
}

/** Undefined: that kind of channel has no event of this name. */
export function eventSchemaText(kind: string, name: string): string | undefined {
  const schema = eventSchema(kind, name)
  return schema && `${JSON.stringify(schema, null, 2)}\n`
}

let docs: Template | undefined

/** The page is made once, when it is first asked for; only its addresses are put in each time. */
export function renderDocs(place: Place): string {
  docs ??= docsTemplate({ openApi: JSON.parse(renderOpenApi('3.2')), asyncApi: JSON.parse(renderAsyncApi()) })
  return fill(docs, place)
}
