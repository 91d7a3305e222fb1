/**
 * The recipes of docs/client.md, as they stand there, on a page of one origin with the server on another, in a real
 * Chromium. A proxy in between records what the server gets.
 */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type Server } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { buildPage, Front } from '../client/support/front.ts'
import { makeBoard, makeCard } from '../support/board.ts'
import { launchChromium } from '../support/chromium.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const text = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8')
const blocks = [...text.matchAll(/```(?:js|html)\n([\s\S]*?)```/g)].map(([, code]) => code as string)

function recipe(part: string): string {
  const found = blocks.filter((code) => code.includes(part))
  if (found.length !== 1) throw new Error(`${found.length} recipes have ${part}`)
  return (found[0] as string).replace(/^import .*$/gm, '')
}

let browser: Browser
let built: Awaited<ReturnType<typeof buildPage>>

beforeAll(async () => {
  built = await buildPage()
  browser = await launchChromium()
})

afterAll(async () => {
  await browser?.close()
  built?.remove()
})

/** A proxy in front of the server with its own origin, which records requests. */
class Listening implements AsyncDisposable {
  readonly url: string
  readonly asked: Array<{ readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders }> = []
  readonly #server: Server

  private constructor(server: Server, url: string) {
    this.#server = server
    this.url = url
  }

  static async to(port: () => number): Promise<Listening> {
    const server = createServer((incoming, outgoing) => {
      const { method = 'GET', url = '/', headers } = incoming
      note(incoming)
      const onward = request({ host: '127.0.0.1', port: port(), method, path: url, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
        answer.on('aborted', () => outgoing.destroy())
      })
      onward.on('error', () => outgoing.destroy())
      outgoing.on('close', () => onward.destroy())
      incoming.pipe(onward)
    })
    server.on('upgrade', (incoming: IncomingMessage, socket: Socket) => {
      note(incoming)
      const onward = connect(port(), '127.0.0.1')
      const { rawHeaders } = incoming
      const lines = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}\r\n`] : []))
      onward.write(`GET ${incoming.url} HTTP/1.1\r\n${lines.join('')}\r\n`)
      socket.pipe(onward).pipe(socket)
      for (const each of [socket, onward]) each.on('error', () => undefined)
      socket.on('close', () => onward.destroy())
      onward.on('close', () => socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const made = new Listening(server, `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
    function note({ method = '', url: path = '', headers }: IncomingMessage): void {
      made.asked.push({ method, path, headers })
    }
    return made
  }

  /** Of the stream, and of the reading of the board. */
  get essential() {
    return [this.asked.find(({ method, path }) => method !== 'OPTIONS' && /^\/(sse|ws)/.test(path)), this.#of('GET')]
  }

  #of(method: string) {
    return this.asked.find((each) => each.method === method && each.path.startsWith('/api/v1/boards/demo'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

interface Scene {
  readonly server: TestServer
  readonly hub: Listening
  readonly context: BrowserContext
  readonly page: Page
  /** Runs the code in the page; `console.log` is kept in `printed`. */
  run(code: string): Promise<void>
  /** The board is live, hears of a change, and can be changed, through `hub` of the page. */
  works(): Promise<void>
}

async function scene(): Promise<Scene> {
  let port = 0
  const hub = await Listening.to(() => port)
  const front = await Front.to(1, built.folder)
  const server = await startTestServer({ corsOrigins: [front.url] })
  port = server.port
  await makeBoard(server, 'demo')
  const context = await browser.newContext()
  const page = await context.newPage()
  onTestFinished(async () => {
    await context.close()
    for (const each of [front, hub, server]) await each[Symbol.asyncDispose]()
  })
  await page.goto(`${front.url}/page/`)
  await page.waitForFunction('window.client')
  await page.evaluate(`{
    window.printed = []
    console.log = (...what) => printed.push(what.length === 1 ? what[0] : what.join(' '))
    window.createClient = (options) => (window.hub = client.createClient(options))
  }`)
  return {
    server,
    hub,
    context,
    page,
    async run(code) {
      await page.evaluate(`void (async () => { ${code} })().catch((error) => printed.push(String(error)))`)
    },
    async works() {
      await page.evaluate(`window.board = hub.board('demo'); board.subscribe(() => {})`)
      await page.waitForFunction(`board.get().phase === 'live'`)
      const { id } = await makeCard(server, 'demo')
      await page.waitForFunction(`board.get().state.cards['${id}']`)
      expect(
        await page.evaluate(`hub.mutate.createCard({ boardId: 'demo', title: 'X' }).then(({ title }) => title)`),
      ).toBe('X')
    },
  }
}

const TRANSPORTS = ['fetch', 'eventsource', 'ws'] as const

describe('[CL33] on a page of another origin', () => {
  test('the first example', async () => {
    const it = await scene()
    await it.run(recipe('for await (const { event, id } of').replace('http://127.0.0.1:3000', it.hub.url))
    await it.page.waitForFunction('printed.length >= 2')
    const { eventId } = await makeCard(it.server, 'demo', { title: 'Hello' })
    await it.page.waitForFunction(`printed.includes('${eventId} card_created')`)
    await it.page.waitForFunction(`printed.some((each) => Array.isArray(each) && each[0] === 'Hello')`)
  })

  test.each(TRANSPORTS)('[CA1] a token, over %s', async (transport) => {
    const it = await scene()
    await it.page.route('**/session/token', (route) => route.fulfill({ body: 'secret' }))
    const code = recipe('/session/token').replace('{', `{ baseUrl: '${it.hub.url}', transport: '${transport}',`)
    await it.run(code)
    await it.page.waitForFunction('window.hub')
    await it.works()
    const [stream, read] = it.hub.essential
    expect(read?.headers.authorization).toBe('Bearer secret')
    if (transport === 'fetch') expect(stream?.headers.authorization).toBe('Bearer secret')
    else expect(stream?.path).toContain('ticket=')
    expect(it.hub.asked.map(({ path }) => path).join()).not.toContain('secret')
  })

  test('custom headers', async () => {
    const it = await scene()
    const [own] = /\{ headers: \{.*?\} \}/.exec(text) ?? []
    await it.run(`createClient({ baseUrl: '${it.hub.url}', auth: () => (${own?.replace('…', 'mine')}) })`)
    await it.works()
    const [stream, read] = it.hub.essential
    expect([stream?.headers['x-key'], read?.headers['x-key']]).toEqual(['mine', 'mine'])
  })

  test('a parameter in the query', async () => {
    const it = await scene()
    const [own] = /\{ query: \{.*?\} \}/.exec(text) ?? []
    await it.run(`createClient({ baseUrl: '${it.hub.url}', auth: () => (${own?.replace('…', 'mine')}) })`)
    await it.works()
    for (const asked of it.hub.essential) expect(asked?.path).toContain('key=mine')
  })

  test.each(TRANSPORTS)('[CA2] cookies of the server’s origin, over %s', async (transport) => {
    const it = await scene()
    await it.context.addCookies([{ name: 'boardcast_token', value: 'mine', url: it.hub.url }])
    const code = recipe("credentials: 'include'").replace('https://hub.example', it.hub.url)
    await it.run(code.replace('createClient({', `createClient({ transport: '${transport}',`))
    await it.works()
    for (const asked of it.hub.essential) expect(asked?.headers.cookie).toBe('boardcast_token=mine')
    for (const { method, headers } of it.hub.asked) {
      if (method === 'OPTIONS') expect(headers.cookie).toBeUndefined()
    }
  })

  test('many boards', async () => {
    const it = await scene()
    await it.run(`const hub = createClient({ baseUrl: '${it.hub.url}' }), ids = ['demo', 'other']
      const draw = (id, { state }) => console.log(id + ' ' + Boolean(state)); ${recipe('for (const id of ids)')}`)
    await it.page.waitForFunction(`printed.includes('demo true')`)
    await makeBoard(it.server, 'other')
    await it.page.evaluate('hub.reconnect()')
    await it.page.waitForFunction(`printed.includes('other true')`)
  })

  test('a test', async () => {
    const it = await scene()
    const { id } = await makeCard(it.server, 'demo')
    await it.run(`const server = { url: '${it.hub.url}' }, cardId = '${id}'; ${recipe("share: 'none', backoff:")}
      console.log('done')`)
    await it.page.waitForFunction(`printed.includes('done')`)
  })

  test('without this library', async () => {
    const it = await scene()
    const [, script = ''] = /<script>([\s\S]*)<\/script>/.exec(recipe('new EventSource')) ?? []
    await it.run(`const draw = ({ boardId }) => console.log(boardId), print = (line) => console.log(line)
      ${script.replace("'/sse", `'${it.hub.url}/sse`)}`)
    await it.page.waitForFunction(`printed.includes('demo')`)
  })
})

test('[OPS6] origins that are not listed get nothing, with whatever credentials and headers', async () => {
  await using server = await startTestServer({ corsOrigins: ['https://listed.example'] })
  const preflight = (origin: string) =>
    fetch(`${server.url}/api/v1/boards`, {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type,x-key, bad name,x-other',
      },
    })
  const { headers } = await preflight('https://listed.example')
  expect(headers.get('Access-Control-Allow-Credentials')).toBe('true')
  const allowed = (headers.get('Access-Control-Allow-Headers') ?? '').toLowerCase().split(/, ?/)
  for (const name of ['authorization', 'content-type', 'idempotency-key', 'last-event-id', 'x-key', 'x-other']) {
    expect(allowed).toContain(name)
  }
  expect(allowed).not.toContain('bad name')
  const foreign = await preflight('https://foreign.example')
  expect(foreign.headers.get('Access-Control-Allow-Origin')).toBeNull()
  expect(foreign.headers.get('Access-Control-Allow-Headers') ?? '').not.toContain('x-key')
  await using open = await startTestServer({ corsOrigins: ['*'] })
  const any = await fetch(`${open.url}/api/v1/boards`, { headers: { Origin: 'https://foreign.example' } })
  expect(any.headers.get('Access-Control-Allow-Credentials')).toBeNull()
})
