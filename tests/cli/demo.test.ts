// DEMO1  One round through the public API: every card is worked on and ends in `done`; some attempts fail, some are stopped.
// DEMO2  Ctrl-C ends it cleanly: exit 130, and no attempt stays running.
// DEMO3  Without a server it starts one and prints the address of the board.

import { expect, test } from 'vitest'
import { bearer, sign } from '../support/tokens.ts'
import { boardcast } from './support/program.ts'
import { startHub } from './support/server.ts'

test('[DEMO1] --once plays one round and exits 0', async () => {
  await using hub = await startHub()
  const program = boardcast(['demo', '--url', hub.url, '--once', '--speed', '60'])
  expect(await program.ended).toBe(0)

  expect(program.stdout().toString()).toBe(
    `board:  ${hub.url}/?board=demo\nstream: curl -N '${hub.url}/sse?boardId=demo'\n`,
  )
  const cards = await hub.cards('demo')
  expect(cards).toHaveLength(10)
  expect(new Set(cards.map(({ column }) => column))).toEqual(new Set(['done']))
  for (const text of ['begins', 'fails: 1 test failed', 'is stopped half-way', 'succeeds with', 'is merged']) {
    expect(program.stderr()).toContain(text)
  }
  const log = await hub.log(cards[0]!.attempt!.id)
  expect(log.some(({ message }) => message.includes('\u001b['))).toBe(true)
})

test('[DEMO2] Ctrl-C stops the running attempts, exit 130', async () => {
  await using hub = await startHub()
  const program = boardcast(['demo', '--board', 'other'], { BOARDCAST_URL: hub.url })
  await program.until(() => (program.stderr().match(/begins/g) ?? []).length >= 2)
  program.kill('SIGINT')
  expect(await program.ended).toBe(130)
  const attempts = (await hub.cards('other')).flatMap(({ attempt }) => attempt ?? [])
  expect(attempts.length).toBeGreaterThanOrEqual(2)
  expect(new Set(attempts.map(({ status }) => status))).toEqual(new Set(['stopped']))
})

/** A port on which nobody listens. */
async function freePort(): Promise<string> {
  await using hub = await startHub()
  return new URL(hub.url).port
}

test('[DEMO3] without a server it starts one', async () => {
  const port = await freePort()
  const program = boardcast(['demo', '--once', '--speed', '60'], { PORT: port })
  expect(await program.ended).toBe(0)
  expect(program.stdout().toString()).toContain(`board:  http://127.0.0.1:${port}/?board=demo`)
})

const SECRET = 'a secret of these tests of 32 bytes and more'

test.each([
  ['a secret', { BOARDCAST_JWT_SECRET: SECRET }, []],
  ['keys of an issuer that does not answer', { BOARDCAST_JWKS_URL: 'http://127.0.0.1:9/keys' }, []],
  ['a password', { BOARDCAST_TOKEN: '@password-of-these-tests' }, []],
  ['a secret, and a token that it did not sign', { BOARDCAST_JWT_SECRET: SECRET }, ['--token', 'of-another-server']],
])('[DEMO3] on its own server it may do everything, with %s', async (_, env, options) => {
  const port = await freePort()
  const program = boardcast(['demo', ...options], { PORT: port, LOG_LEVEL: 'fatal', ...env })
  await program.until(() => program.stderr().includes('begins'))
  const board = `http://127.0.0.1:${port}/api/v1/boards/demo`
  expect((await fetch(board)).status).toBe(401)
  if ('BOARDCAST_JWT_SECRET' in env) {
    const token = await sign({ boardcast: { subscribe: ['board:demo'] } }, SECRET)
    expect((await fetch(board, { headers: bearer(token) })).status).toBe(200)
  }
  program.kill('SIGINT')
  expect(await program.ended).toBe(130)
  expect(program.stdout().toString()).toBe(
    `board:  http://127.0.0.1:${port}/?board=demo\nstream: curl -N -H "Authorization: Bearer $BOARDCAST_TOKEN" 'http://127.0.0.1:${port}/sse?boardId=demo'\n`,
  )
})
