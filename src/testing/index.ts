/** `boardcast/testing`: servers, streams and matchers for tests that run in vitest. */
import './matchers.ts'
import { endWithFile } from './lifetime.ts'

endWithFile()

export type { Envelope } from '../expect/conditions/envelope.ts'
export type { Coverage } from '../expect/coverage/event-types.ts'
export { type Answer, ApiError, type CallOptions, type TestApi } from './api.ts'
export { contractCoverage } from './coverage.ts'
export type { EventName } from './event-name.ts'
export type { ReceiveAllOptions, ReceiveOptions, StreamMatchers } from './matchers.ts'
export type { EventPattern, PatternCount } from './pattern.ts'
export { type ServerOptions, startServer, type TestServer } from './server.ts'
export { type EventStream, openStream, type StreamOptions } from './stream.ts'
