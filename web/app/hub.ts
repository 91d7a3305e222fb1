/** The page's client of the server: one stream for whatever is on screen. */
import { createClient, type Hub } from '../client/index.ts'
import { pathOf } from './address.ts'
import { currentToken } from './session.ts'

export const hub: Hub = createClient({
  baseUrl: pathOf(''),
  auth: currentToken,
  // In Firefox the library would read the stream in a worker made of a blob, which the page's policy forbids.
  fetch: (input, init) => fetch(input, init),
})
