import { Hono } from 'hono'
import { RIGHTS_OFF } from '../../src/auth/authenticator.ts'
import { loadConfig } from '../../src/base/config.ts'
import type { Store } from '../../src/db/store.ts'
import { createClientLimits } from '../../src/http/client-limits.ts'
import { createApi, type DeclaredRoute } from '../../src/routes/api.ts'
import { registerApiRoutes } from '../../src/server/api-routes.ts'

/** The routes of the API as they are declared, without a server. */
export function declaredRoutes(): readonly DeclaredRoute[] {
  const api = createApi(new Hono(), {} as Store, RIGHTS_OFF, createClientLimits(loadConfig({}), false))
  registerApiRoutes(api)
  return api.routes
}
