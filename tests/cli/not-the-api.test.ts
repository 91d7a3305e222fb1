/**
 * Something other than the API answers.
 *
 * RUN21  A redirect is an error that names its target and the wrong setting; it is not followed.
 * RUN22  A page instead of JSON is one error, at once, that names its content type.
 */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createApi } from '../../src/cli/api/api.ts'
import { boardcast } from './support/program.ts'
import { runOnNewBoard } from './support/run.ts'
import { startHub } from './support/server.ts'
import { startStub } from './support/stub-server.ts'

let hub: Awaited<ReturnType<typeof startHub>>
beforeAll(async () => {
  hub = await startHub()
})
afterAll(() => hub[Symbol.asyncDispose]())

const page = { headers: { 'Content-Type': 'text/html; charset=utf-8' }, text: '<html><title>Sign in</title></html>' }

describe('one call', () => {
  test.each([301, 302, 303, 307, 308])(
    '[RUN21] %i is not followed, and the error names the right address',
    async (status) => {
      await using target = await startStub([{ status: 201, body: { id: 'x' } }])
      await using stub = await startStub([{ status, headers: { Location: `${target.url}/hub/api/v1/boards?a=b` } }])
      await expect(createApi({ url: stub.url }).send('POST', '/boards?a=b')).rejects.toMatchObject({
        exitCode: 1,
        message:
          `POST ${stub.url}/api/v1/boards?a=b is redirected to ${target.url}/hub/api/v1/boards?a=b (${status}), ` +
          `and redirects are not followed. Set BOARDCAST_URL (or --url) to ${target.url}/hub.`,
      })
      expect([stub.asked.length, target.asked.length]).toEqual([1, 0])
    },
  )

  test.each([
    ['to a sign-in page', { Location: '/login?next=%2F' }, '/login?next=%2F'],
    ['to nowhere', {}, '(302)'],
    ['to itself', { Location: '/api/v1/boards' }, '/api/v1/boards'],
    ['to no address', { Location: 'http://[' }, '"http://["'],
  ])('[RUN21] %s: the error asks for the address of the server itself', async (_, headers, shown) => {
    await using stub = await startStub([{ status: 302, headers }])
    const call = createApi({ url: stub.url }).send('POST', '/boards')
    await expect(call).rejects.toThrow(shown)
    await expect(createApi({ url: stub.url }).send('POST', '/boards')).rejects.toThrow(
      'Set --url or BOARDCAST_URL to the address of the server itself.',
    )
    expect(stub.asked).toHaveLength(2)
  })

  test.each([
    ['a page', { status: 200, ...page }, 'answered 200 with text/html instead of JSON', 1],
    ['a page with an error status', { status: 403, ...page }, 'answered 403 with text/html instead of JSON', 4],
    ['a page for a missing address', { status: 404, ...page }, 'answered 404 with text/html instead of JSON', 1],
    ['nothing', { status: 200, text: '' }, 'answered 200 with nothing instead of JSON', 1],
    ['half a document', { status: 201, text: '{"id":' }, 'answered 201 with application/json instead of JSON', 1],
  ])('[RUN22] %s: one error, at once', async (_, answer, sentence, exitCode) => {
    await using stub = await startStub([answer])
    await expect(createApi({ url: stub.url }).send('POST', '/boards')).rejects.toMatchObject({
      exitCode,
      message: expect.stringContaining(`POST ${stub.url}/api/v1/boards ${sentence}`),
    })
    expect(stub.asked).toHaveLength(1)
  })

  test('[RUN22] 204 has no body and needs none', async () => {
    await using stub = await startStub([{ status: 204, text: '' }])
    await expect(createApi({ url: stub.url }).send('DELETE', '/boards/b')).resolves.toMatchObject({ body: undefined })
  })
})

describe('the programs', () => {
  test.each([
    ['run', ['run', '--board', 'b', '--title', 't', '--', 'echo', 'started']],
    ['demo', ['demo', '--once']],
  ])('[RUN21] [RUN22] %s reports it once, exits 1, and does nothing', async (_, args) => {
    for (const answer of [
      { status: 301, headers: { Location: 'https://hub.example/' } },
      { status: 200, ...page },
    ]) {
      await using stub = await startStub([answer])
      const program = boardcast(args, { BOARDCAST_URL: stub.url })
      expect(await program.ended).toBe(1)
      expect(stub.asked).toHaveLength(1)
      expect(program.stdout().toString()).toBe('')
      expect(program.stderr()).toMatch(/^boardcast: (POST|GET) http:.+\n$/)
    }
  })

  test.each(['redirect', 'page'] as const)(
    '[RUN21] [RUN22] a %s in the middle of a run: the program keeps running, and it is reported once',
    async (mode) => {
      const door = await openDoor(hub.url)
      const flag = join(mkdtempSync(join(tmpdir(), 'boardcast-cli-test-')), 'go-on')
      const wait = 'while ! [ -e "$0" ]; do sleep 0.05; done'
      const script = `echo one; ${wait}; for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done; exit 7`
      const run = runOnNewBoard(hub, ['sh', '-c', script, flag], { url: door.url })
      await run.program.until(() => run.program.stdout().includes('one'))
      await expect.poll(() => run.log(), { timeout: 20_000 }).toMatchObject([{ message: 'one' }])
      door.mode = mode
      writeFileSync(flag, '')
      expect(await run.program.ended).toBe(7)
      expect(run.program.stdout().toString()).toBe('one\n1\n2\n3\n4\n5\n6\n')
      const said = run.program.stderr()
      expect(said.match(/its output is not logged/g)).toHaveLength(1)
      expect(said.match(mode === 'redirect' ? /is redirected to/g : /text\/html instead of JSON/g)).toHaveLength(1)
      expect(said).toContain('LOST: 6 lines of output')
      expect(said).toContain('LOST: the status failed was not recorded: see above')
    },
  )
})

/** A proxy that forwards requests or answers them itself. */
async function openDoor(url: string) {
  const door = { mode: 'pass' as 'pass' | 'redirect' | 'page', url: '' }
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (door.mode === 'redirect') return void response.writeHead(302, { Location: '/login' }).end()
    if (door.mode === 'page') return void response.writeHead(200, page.headers).end(page.text)
    const { method, headers } = request
    const inner = send(new URL(request.url ?? '', url), { method, headers }, (reply) => {
      response.writeHead(reply.statusCode ?? 500, reply.headers)
      reply.pipe(response)
    })
    inner.on('error', () => response.destroy())
    response.on('close', () => inner.destroy())
    request.pipe(inner)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port')
  door.url = `http://127.0.0.1:${address.port}`
  return door
}
