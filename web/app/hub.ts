/** The page's client of the server: one stream for whatever is on screen. */
import { createClient, type Hub } from '../client/index.ts'
import { pathOf } from './address.ts'

export const hub: Hub = createClient({ baseUrl: pathOf('') })
