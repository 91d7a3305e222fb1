// RUN6  A retry carries the key of the first try, so that nothing is done twice.
// RUN7  Busy answers (429, 502, 503, 504), cut and refused connections are retried; Retry-After is the minimum wait.
// RUN8  An error is one sentence that names the fix: exit 5 without a server, 4 for credentials.

import { expect, test, vi } from 'vitest'
import { createApi } from '../../src/cli/api/api.ts'
import { startStub } from './support/stub-server.ts'

const problem = (status: number, body: object) => ({
  status,
  headers: { 'Content-Type': 'application/problem+json' },
  body,
})

test('[RUN6] [RUN7] every try of one call has the same key and body, the next call another key', async () => {
  await using stub = await startStub([
    { status: 503 },
    { status: 200, cut: true },
    { status: 429, headers: { 'Retry-After': '0' } },
    { status: 201, headers: { 'Event-Id': 'aabbccdd-7' }, body: { id: 'x' } },
  ])
  const api = createApi({ url: `${stub.url}/`, token: 'secret' })
  const reasons: string[] = []
  const reply = await api.send('POST', '/boards', { body: { name: 'b' }, onRetry: (reason) => reasons.push(reason) })
  await api.send('POST', '/boards', { body: { name: 'b' } })

  expect(reply).toEqual({ body: { id: 'x' }, eventId: 'aabbccdd-7' })
  expect(stub.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(Array(5).fill('POST /api/v1/boards'))
  expect(new Set(stub.asked.map(({ body }) => body))).toEqual(new Set(['{"name":"b"}']))
  expect(new Set(stub.asked.map(({ headers }) => headers.authorization))).toEqual(new Set(['Bearer secret']))
  const keys = stub.asked.map(({ headers }) => headers['idempotency-key'])
  expect(new Set(keys.slice(0, 4)).size).toBe(1)
  expect(keys[4]).not.toBe(keys[0])
  expect(reasons).toHaveLength(3)
})

test('[RUN7] waits for Retry-After, but not beyond the patience of the call', async () => {
  await using stub = await startStub([{ status: 503, headers: { 'Retry-After': '7' } }, { status: 200 }])
  const api = createApi({ url: stub.url })
  await expect(api.send('GET', '/cursor', { patience: { unreachableMs: 0, busyMs: 6_999 } })).rejects.toMatchObject({
    exitCode: 5,
    message: expect.stringContaining('stays busy (HTTP 503)'),
  })
  expect(stub.asked).toHaveLength(1)
})

test('[RUN7] a call ends at once when its signal aborts, however long it would wait', async () => {
  await using stub = await startStub([{ status: 503, headers: { 'Retry-After': '60' } }])
  const signal = new AbortController()
  const call = createApi({ url: stub.url }).send('GET', '/cursor', {
    signal: signal.signal,
    patience: { unreachableMs: 0, busyMs: 100_000 },
    onRetry: () => signal.abort(),
  })
  await expect(call).rejects.toMatchObject({ name: 'AbortError' })
})

test('[RUN8] no server: exit 5 and how to start one', async () => {
  const url = await (async () => {
    await using stub = await startStub([])
    return stub.url
  })()
  const call = createApi({ url }).send('GET', '/cursor', { patience: { unreachableMs: 0, busyMs: 0 } })
  await expect(call).rejects.toMatchObject({
    exitCode: 5,
    message: `no server answers at ${url} (connection refused). Start one with "npm start" or "boardcast serve", or set its address with --url or BOARDCAST_URL.`,
  })
})

test('[RUN8] the error for a server without TLS says so', async () => {
  await using hub = await startStub([{ status: 200 }])
  const api = createApi({ url: hub.url.replace('http:', 'https:') })
  const patience = { unreachableMs: 0, busyMs: 0 }
  await expect(api.send('GET', '/cursor', { patience })).rejects.toThrow(/does not use TLS: is it http:\/\/\?/)
})

test('[RUN8] a problem body becomes one sentence', async () => {
  const errors = [
    { path: ['title'], message: 'too long' },
    { path: 'labels', message: 'not a list' },
  ]
  await using stub = await startStub([
    problem(422, { title: 'Validation failed', detail: 'Two fields are wrong.', code: 'validation_failed', errors }),
    problem(401, { title: 'Unauthenticated', code: 'unauthenticated' }),
    problem(403, { title: 'Forbidden', code: 'forbidden' }),
    { status: 400, headers: { 'Content-Type': 'application/json' }, body: {} },
  ])
  const api = createApi({ url: stub.url })
  await expect(api.send('POST', '/boards')).rejects.toMatchObject({
    exitCode: 1,
    code: 'validation_failed',
    message:
      'POST /boards was refused (422): Validation failed; Two fields are wrong.; title: too long; labels: not a list.',
  })
  await expect(api.send('POST', '/boards')).rejects.toMatchObject({
    exitCode: 4,
    message: 'POST /boards was refused (401): Unauthenticated. Set a token with --token or BOARDCAST_TOKEN.',
  })
  await expect(api.send('POST', '/boards')).rejects.toMatchObject({
    exitCode: 4,
    message: expect.stringContaining('not allowed to publish'),
  })
  await expect(api.send('POST', '/boards')).rejects.toMatchObject({
    exitCode: 1,
    message: 'POST /boards was refused (400).',
  })
})

test('[RUN8] the address comes from the option, BOARDCAST_URL, PORT, in this order', () => {
  vi.stubEnv('BOARDCAST_URL', '')
  vi.stubEnv('PORT', '')
  expect(createApi({}).baseUrl).toBe('http://127.0.0.1:3000')
  vi.stubEnv('PORT', '0')
  expect(createApi({}).baseUrl).toBe('http://127.0.0.1:3000')
  vi.stubEnv('PORT', '4567')
  expect(createApi({}).baseUrl).toBe('http://127.0.0.1:4567')
  vi.stubEnv('BOARDCAST_URL', 'https://hub.example/boards/')
  expect(createApi({}).baseUrl).toBe('https://hub.example/boards')
  expect(createApi({ url: 'http://[::1]:9' }).baseUrl).toBe('http://[::1]:9')
  expect(() => createApi({ url: 'localhost:3000' })).toThrow('not a server address')
  vi.unstubAllEnvs()
})
