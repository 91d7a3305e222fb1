/** The page of the contract: what is on it, and that its commands work. In a browser: tests/browser/docs.test.ts. */
import { execFile, spawn } from 'node:child_process'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/base/config.ts'
import { eventList, eventSchemaText, renderDocs } from '../../src/contract/index.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { bearer, SECRET, tokenFor } from '../support/tokens.ts'
import { asyncApi, openApi, operations, responseOf } from './documents.ts'
import { makeStory } from './made-story.ts'
import { addressesOf, anchorsOf, articleOf, commandsOf, sectionOf, textOf } from './page-reading.ts'

const document = openApi('3.2')
const all = operations(document)
const page = renderDocs({ origin: 'http://localhost:3000', prefix: '', hasRights: false })
const keys = new Set(Object.values(asyncApi().channels).flatMap(({ messages }) => Object.keys(messages)))

describe('the page', () => {
  it('[CON19a] has anchors that are unique, and links that lead to one of them', () => {
    const anchors = anchorsOf(page)
    expect(anchors.filter((id, index) => anchors.indexOf(id) !== index)).toEqual([])
    const dead = addressesOf(page).filter((address) => address.startsWith('#') && !anchors.includes(address.slice(1)))
    expect(dead).toEqual([])
  })

  it('[CON19a] has an anchor for every operation, message, connection and code, all in the table of contents', () => {
    const contents = page.slice(page.indexOf('<nav'), page.indexOf('</nav>'))
    const codes = all.flatMap((operation) =>
      Object.keys(operation.responses).flatMap((status) =>
        Number(status) < 400 ? [] : Object.keys(problemsOf(operation, Number(status))),
      ),
    )
    const expected = [
      ...all.map(({ operationId }) => operationId),
      ...keys,
      ...Object.keys(asyncApi().channels),
      ...new Set(codes.map((code) => `error-${code}`)),
    ]
    expect(expected).toEqual(expect.arrayContaining(['createCard', 'board.card_moved', 'control.hello']))
    for (const id of expected) {
      expect(articleOf(page, id)).toContain(`href="#${id}"`)
      expect(contents, id).toContain(`<a href="#${id}">`)
    }
  })

  it('[CON19b] shows parameters, fields of the body, answers, errors and events of every operation', () => {
    for (const operation of all) {
      const markup = articleOf(page, operation.operationId)
      const text = textOf(markup)
      const body = Object.values(operation.requestBody?.content ?? {})[0]
      const words = [
        operation.method.toUpperCase(),
        operation.path,
        ...(operation.parameters ?? []).map(({ name }) => name),
        ...fieldsOf(body?.schema ?? {}),
        ...Object.keys(operation.responses),
        ...Object.keys(operation.responses).flatMap((status) =>
          Number(status) < 400 ? [] : Object.keys(problemsOf(operation, Number(status))),
        ),
        ...(operation['x-emits'] ?? []),
      ]
      expect(
        words.filter((word) => !text.includes(word)),
        operation.operationId,
      ).toEqual([])
      expect(commandsOf(markup), operation.operationId).toHaveLength(1)
    }
  })

  it('[CON19c] shows the fields, an example, the connections and the schema of every event', () => {
    for (const { kind, name } of eventList()) {
      const id = `${kind}.${name}`
      const markup = articleOf(page, id)
      const text = textOf(markup)
      const schema = JSON.parse(eventSchemaText(kind, name) ?? '') as { properties?: object }
      const words = [...Object.keys(schema.properties ?? {}), 'Example', 'channelStream', 'channelSocket']
      expect(
        words.filter((word) => !text.includes(word)),
        id,
      ).toEqual([])
      expect(markup).toContain(`href="/schemas/${id.replace('.', '/')}.schema.json"`)
    }
    for (const key of keys) expect(articleOf(page, key), key).toMatch(/<pre><code>/)
  })

  it('[CON19d] says what the limits are', () => {
    const { rateMutations, rateBurst, maxStreams } = loadConfig({})
    const text = textOf(sectionOf(page, 'limits'))
    expect(text).toContain(
      `${rateMutations} changes a second, with bursts of ${rateBurst}, and hold ${maxStreams} streams`,
    )
  })

  it('[CON18a] loads nothing from elsewhere, and has neither styles nor scripts in its text', () => {
    expect(addressesOf(page).filter((address) => !/^[#/](?!\/)/.test(address))).toEqual([])
    expect(page).not.toMatch(/<style| style=| on\w+="|<script(?! src="\/docs\/search\.js" defer><\/script>)/)
  })

  it('[CON18b] has the path of a proxy in every address, and in every command the address it is served at', () => {
    const place = { origin: 'https://board.test', prefix: '/tools/board', hasRights: true }
    const there = renderDocs(place)
    const addresses = addressesOf(there).filter((address) => !address.startsWith('#'))
    expect(addresses.filter((address) => !address.startsWith('/tools/board/'))).toEqual([])
    const commands = commandsOf(there)
    expect(commands.filter((command) => !command.includes('https://board.test/tools/board/'))).toEqual([])
    expect(there).toContain('wss://board.test/tools/board/ws')
    expect(there).not.toContain('localhost')
  })

  function problemsOf(operation: (typeof all)[number], status: number) {
    return responseOf(document, operation, status)?.content?.['application/problem+json']?.examples ?? {}
  }

  function fieldsOf(schema: { readonly $ref?: unknown }): string[] {
    const name = String(schema.$ref).split('/').at(-1) ?? ''
    const { properties = {} } = (document.components.schemas?.[name] ?? schema) as { properties?: object }
    return Object.keys(properties)
  }
})

describe('on a server without rights', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await startTestServer()
  })
  afterAll(() => server[Symbol.asyncDispose]())

  it('[CON19e] begins with three commands that show an event arriving', async () => {
    const [make = '', listen = '', post = ''] = commandsOf(sectionOf(await served(server), 'start'))
    await run(make)
    const listener = spawn('bash', ['-c', `exec ${listen} -s`], { stdio: ['ignore', 'pipe', 'ignore'] })
    try {
      let shown = ''
      listener.stdout.on('data', (bytes: Buffer) => {
        shown += bytes.toString()
      })
      await expect.poll(() => shown, { timeout: 10_000 }).toContain('event: state\n')
      await run(post)
      await expect.poll(() => shown, { timeout: 10_000 }).toMatch(/\nevent: card_created\ndata: .*"title":"Hello"/)
    } finally {
      listener.kill()
    }
  })

  it('[CON19f] has a command for each operation that is answered as documented, where the things of the examples are', async () => {
    const real = await makeStory(server)
    const there = await served(server)
    const isDelete = ({ method }: { method: string }) => method === 'delete'
    const ordered = [...all.filter((one) => !isDelete(one)), ...all.filter(isDelete).reverse()]
    const isOpenEnded = ({ tags }: (typeof all)[number]) => tags.some((tag) => tag === 'Streams' || tag === 'Sockets')
    const answered = async (operation: (typeof all)[number]) => {
      const [command = ''] = commandsOf(articleOf(there, operation.operationId))
      const status = await statusOf(real(command), isOpenEnded(operation) ? 1 : 20)
      return { name: operation.operationId, status, isDocumented: String(status) in operation.responses }
    }
    const endless = Promise.all(all.filter(isOpenEnded).map(answered))
    const answers = []
    for (const operation of ordered.filter((one) => !isOpenEnded(one))) answers.push(await answered(operation))
    answers.push(...(await endless))
    // What is there already, or has come to its end, may not be made or ended again.
    expect(answers.filter(({ status, isDocumented }) => !isDocumented || (status >= 400 && status !== 409))).toEqual([])
    expect(answers.filter(({ status }) => status === 409).length).toBeLessThan(8)
    expect(answers.filter(({ status }) => status === 101).length).toBe(4)
  })

  it('[CON3c] is the same bytes again, compressed or not, until something changes', async () => {
    const read = (headers: Record<string, string> = {}) =>
      rawGet(`${server.url}/docs`, { 'Accept-Encoding': 'identity', ...headers })
    const plain = await read()
    expect([plain.status, plain.headers.get('Content-Type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(plain.body.toString()).toBe(renderDocs({ origin: server.url, prefix: '', hasRights: false }))
    const gzipped = await read({ 'Accept-Encoding': 'gzip' })
    expect(gzipped.headers.get('Content-Encoding')).toBe('gzip')
    expect(gunzipSync(gzipped.body).equals(plain.body)).toBe(true)
    expect(gzipped.body.length).toBeLessThan(90_000)
    expect(gzipped.headers.get('ETag')).not.toBe(plain.headers.get('ETag'))
    for (const { headers } of [plain, gzipped]) {
      expect(headers.get('Vary')?.split(', ')).toEqual(
        expect.arrayContaining(['Accept-Encoding', 'X-Forwarded-Prefix', 'X-Forwarded-Proto']),
      )
      expect(headers.get('Content-Security-Policy')).toMatch(
        /^default-src 'self'; .*require-trusted-types-for 'script'$/,
      )
    }
    const etag = plain.headers.get('ETag') ?? ''
    expect((await read({ 'If-None-Match': etag })).status).toBe(304)
    const head = await fetch(`${server.url}/docs`, { method: 'HEAD', headers: { 'Accept-Encoding': 'identity' } })
    expect([head.status, head.headers.get('ETag'), await head.text()]).toEqual([200, etag, ''])
  })

  it('[CON18b] is written for the address that it is asked for at, if that is one', async () => {
    const proxied = await rawGet(`${server.url}/docs`, {
      Host: 'board.localhost:8443',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Prefix': '/tools',
    })
    const place = { origin: 'https://board.localhost:8443', prefix: '/tools', hasRights: false }
    expect(proxied.body.toString()).toBe(renderDocs(place))
    const slash = await fetch(`${server.url}/docs/`, {
      redirect: 'manual',
      headers: { 'X-Forwarded-Prefix': '/tools' },
    })
    expect([slash.status, slash.headers.get('Location')]).toEqual([301, '/tools/docs'])
    const odd = await rawGet(`${server.url}/docs`, { Host: "a'$(x).localhost" })
    expect(odd.body.toString()).not.toContain('$(x)')
    const wrong = await rawGet(`${server.url}/docs`, { 'X-Forwarded-Prefix': '"><b>' })
    expect(wrong.body.toString()).toBe(renderDocs({ origin: server.url, prefix: '', hasRights: false }))
  })

  it('[CON19g] serves the schema of each event, the bytes that the command line writes', async () => {
    const there = await served(server)
    const links = addressesOf(there).filter((address) => address.startsWith('/schemas/'))
    expect(links.length).toBe(eventList().length)
    const answers = await Promise.all(links.map((link) => fetch(server.url + link)))
    for (const [index, answer] of answers.entries()) {
      const [, , kind = '', file = ''] = links[index]?.split('/') ?? []
      expect(answer.headers.get('Content-Type')).toBe('application/schema+json')
      expect(await answer.text(), links[index]).toBe(eventSchemaText(kind, file.replace('.schema.json', '')))
    }
    for (const path of ['/schemas/board/nothing.schema.json', '/schemas/board/card_moved', '/docs/nothing.js']) {
      const missing = await fetch(server.url + path)
      expect([missing.status, ((await missing.json()) as { code: string }).code], path).toEqual([404, 'not_found'])
    }
  })
})

it('[CON18b] has the path that the server is set to', async () => {
  await using server = await startTestServer({ basePath: '/tools' })
  const page = renderDocs({ origin: server.url, prefix: '/tools', hasRights: false })
  for (const path of ['/docs', '/tools/docs']) expect(await (await fetch(server.url + path)).text()).toBe(page)
  expect((await fetch(`${server.url}/tools/docs/page.css`)).headers.get('Content-Type')).toMatch(/^text\/css/)
})

it('[CON3c] [CON19e] needs no token, and shows commands that have one', async () => {
  await using server = await startTestServer({ jwtSecrets: [SECRET] })
  const there = await served(server)
  const [make = '', , post = ''] = commandsOf(sectionOf(there, 'start'))
  const token = await tokenFor(['*'])
  for (const command of [make, post]) {
    expect(await statusOf(command, 20)).toBe(401)
    expect(await statusOf(command, 20, { BOARDCAST_TOKEN: token })).toBe(201)
  }
  expect((await server.call('GET', '/boards/demo', undefined, bearer(token))).status).toBe(200)
  const open = all.filter(({ security }) => security.length === 0)
  for (const { operationId } of open) {
    expect(commandsOf(articleOf(there, operationId))[0]).not.toContain('BOARDCAST_TOKEN')
  }
})

const served = async (server: TestServer) => (await fetch(`${server.url}/docs`)).text()

async function run(command: string, environment: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)('bash', ['-c', `${command} -s`], {
    env: { ...process.env, ...environment },
  })
  return stdout
}

/** Of the answer to a command of curl, which ends after some seconds. */
async function statusOf(command: string, seconds: number, environment: Record<string, string> = {}): Promise<number> {
  const whole = `${command} -s -o /dev/null -w '%{http_code}' --max-time ${seconds} || true`
  const { stdout } = await promisify(execFile)('bash', ['-c', whole], { env: { ...process.env, ...environment } })
  return Number(stdout)
}

/** With headers that `fetch` keeps for itself. */
async function rawGet(url: string, headers: Record<string, string>) {
  const { request } = await import('node:http')
  return new Promise<{ status: number; headers: Headers; body: Buffer }>((resolve, reject) => {
    request(url, { headers }, async (answer) => {
      const chunks: Buffer[] = []
      for await (const chunk of answer) chunks.push(chunk as Buffer)
      const fields = Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as [string, string])
      resolve({ status: answer.statusCode ?? 0, headers: new Headers(fields), body: Buffer.concat(chunks) })
    })
      .on('error', reject)
      .end()
  })
}
