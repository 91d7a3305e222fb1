/**
 * What talks to the server, as one module that is loaded with the first thing that is asked of a hub: whatever is needed
 * when there is trouble is there before there is any.
 */

export { shownOn } from './channels.ts'
export { createConnection } from './connection.ts'
export { keepFresh } from './freshness.ts'
export { readPage } from './pages.ts'
export { probe } from './refusals.ts'
export { createRequester } from './request.ts'
export { transportFor } from './transports.ts'
