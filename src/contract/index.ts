/**
 * The contract as pure functions: the server and the command line show the same bytes.
 *
 *   renderOpenApi('3.2')      the text of /openapi.json
 *   renderAsyncApi()          the text of /asyncapi.json
 *   eventList()               every event on every kind of channel
 *   eventSchema(kind, name)   the JSON Schema of its payload there
 */

import type { Api } from '../routes/api.ts'
import { registerApiRoutes } from '../routes/api-routes.ts'
import { type DeclaredRoute, declaredMutation, declaredRead } from '../routes/declared.ts'
import { asyncApiDocument } from './asyncapi.ts'
import type { OpenApiVersion } from './contract-operations.ts'
import { openApiDocument } from './openapi.ts'

export { OPENAPI_VERSIONS, type OpenApiVersion, openApiQuery } from './contract-operations.ts'
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
