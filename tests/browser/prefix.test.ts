/**
 * The page below a path of nginx and of HAProxy, in Chromium: strips the prefix and names it, or passes it on to a server
 * that was given it. Rules PF1, PF3 and PF6; and what caches between keep (PF5).
 */

import type { Browser } from 'playwright-core'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import WebSocket from 'ws'
import { type ClientOptions, createClient } from '../../web/client/index.ts'
import { makeBoard, makeCard } from '../support/board.ts'
import { launchChromium } from '../support/chromium.ts'
import { missing, startHaproxy, startNginx } from '../support/debian-proxy.ts'
import { runProgram } from '../support/program.ts'
import type { RunningProxy } from '../support/proxy-process.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const PREFIX = '/tools/board'
const NAMED = `X-Forwarded-Prefix ${PREFIX}`
const UPGRADES = `
  proxy_http_version 1.1; proxy_buffering off;
  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
  proxy_set_header Host $http_host;`
const CONNECTION = `map $http_upgrade $connection_upgrade { default upgrade; '' ''; }`

interface Way {
  readonly name: string
  readonly program: string
  readonly basePath: string
  start(server: TestServer): Promise<RunningProxy>
}

const WAYS: readonly Way[] = [
  {
    name: 'nginx that strips the prefix and names it',
    program: 'nginx',
    basePath: '',
    start: ({ url }) =>
      startNginx(() => ({
        http: CONNECTION,
        server: `location ${PREFIX}/ { proxy_pass ${url}/; proxy_set_header ${NAMED}; ${UPGRADES} }`,
      })),
  },
  {
    name: 'nginx that passes the prefix on',
    program: 'nginx',
    basePath: PREFIX,
    start: ({ url }) =>
      startNginx(() => ({ http: CONNECTION, server: `location ${PREFIX}/ { proxy_pass ${url}; ${UPGRADES} }` })),
  },
  {
    name: 'HAProxy that strips the prefix and names it',
    program: 'haproxy',
    basePath: '',
    start: ({ port }) =>
      startHaproxy(
        port,
        `http-request set-header ${NAMED}
         http-request deny unless { path_beg ${PREFIX}/ }
         http-request replace-path ${PREFIX}/(.*) /\\1`,
      ),
  },
  {
    name: 'HAProxy that passes the prefix on',
    program: 'haproxy',
    basePath: PREFIX,
    start: ({ port }) => startHaproxy(port, `http-request deny unless { path_beg ${PREFIX}/ }`),
  },
]

let browser: Browser
beforeAll(async () => {
  browser = await launchChromium()
})
afterAll(() => browser.close())

/** The test, or one that is skipped and says what is missing. */
function testWith(...programs: readonly string[]) {
  const absent = missing(...programs)
  return (title: string, work: () => Promise<void>) =>
    // Skipped only where the proxy is not installed; .ci/run installs it.
    absent.length > 0 ? test.skip(`${title} (not installed: ${absent.join(', ')})`, work) : test(title, work)
}

describe.each(WAYS)('$name', ({ program, basePath, start }) => {
  const testHere = testWith(program)

  testHere('[PF1] [PF3] the page lives: at its root, at deep links, after a reload', async () => {
    await using server = await startTestServer({ basePath })
    await using proxy = await start(server)
    await makeBoard(server, 'demo')
    const root = `${proxy.url}${PREFIX}`
    const context = await browser.newContext()
    const page = await context.newPage()
    const faults: string[] = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) faults.push(message.text())
    })
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('response', (response) => {
      if (response.status() >= 400) faults.push(`${response.status()} ${response.url()}`)
    })
    const live = () => page.locator('.pill[data-phase=live]').waitFor()
    const shown = (title: string) => page.locator('.card', { hasText: title }).waitFor()

    await page.goto(`${root}/`)
    await live()
    await page.getByRole('link', { name: 'demo' }).first().click()
    await live()
    expect(page.url()).toBe(`${root}/?board=demo`)
    await page.getByLabel('Add a card').fill('From the page')
    await page.getByRole('button', { name: 'Add card' }).click()
    await shown('From the page')
    expect(await page.locator('.command-text').first().textContent()).toBe(`curl -N '${root}/sse?boardId=demo'`)

    for (const path of ['/?board=demo', '/boards/demo', '/boards/demo/']) {
      await page.goto(`${root}${path}`)
      await live()
      await shown('From the page')
      await page.reload()
      await live()
      await makeCard(server, 'demo', { title: `Live at ${path}` })
      await shown(`Live at ${path}`)
    }
    await page.getByRole('link', { name: 'All boards' }).click()
    await page.locator('.boards a').waitFor()
    expect(page.url()).toBe(`${root}/`)
    await page.goBack()
    await shown('From the page')
    await page.locator('a.brand').click()
    await page.locator('.boards a').waitFor()
    expect(page.url()).toBe(`${root}/`)
    expect(faults).toEqual([])
    await context.close()
  })

  testHere('[PF6] the library reads, writes and resumes over every transport, and Socket.IO has its path', async () => {
    await using server = await startTestServer({ basePath, hasSocketIo: true })
    await using proxy = await start(server)
    await makeBoard(server, 'demo')
    const root = `${proxy.url}${PREFIX}`
    const { EventSource } = await import('eventsource')
    for (const transport of ['fetch', 'eventsource', 'ws'] as const) {
      const makers = { EventSource, WebSocket } as unknown as Pick<ClientOptions, 'EventSource' | 'WebSocket'>
      const hub = createClient({ baseUrl: `${root}/`, transport, share: 'none', ...makers })
      const seen: string[] = []
      hub.subscribe({ channels: ['board:demo'] }, { event: ({ event }) => void seen.push(event) })
      await expect.poll(() => hub.status.get().phase, { timeout: 10_000 }).toBe('open')
      await hub.mutate.createCard({ boardId: 'demo', title: transport })
      await expect.poll(() => seen, { timeout: 10_000 }).toContain('card_created')
      hub.close()
    }
    const client = io(proxy.url, { path: `${PREFIX}/socket.io/`, transports: ['polling', 'websocket'] })
    const came = new Promise<{ type: string }>((resolve) =>
      client.on('message', (message) => message.type === 'card.created' && resolve(message)),
    )
    await new Promise((resolve) => client.emit('subscribe', 'global', resolve))
    await makeCard(server, 'demo')
    expect((await came).type).toBe('card.created')
    client.disconnect()
  })
})

testWith('nginx')(
  '[PF6] the command line prints links below the path of its --url, and they lead to the page',
  async () => {
    await using server = await startTestServer()
    await using proxy = await (WAYS[0] as Way).start(server)
    const root = `${proxy.url}${PREFIX}`
    await using demo = runProgram(['demo', '--url', `${root}/`, '--speed', '1000', '--once'], {})
    await demo.until(() => demo.stdout.includes('stream:'))
    expect(demo.stdout).toContain(`board:  ${root}/?board=demo\n`)
    expect(demo.stdout).toContain(`'${root}/sse?boardId=demo'`)
    const page = await fetch(`${root}/?board=demo`, { headers: { Accept: 'text/html' } })
    expect(await page.text()).toContain(` src="${PREFIX}/assets/`)
    const args = ['--url', root, '--board', 'demo', '--title', 'Run', '--', 'echo', 'below a path']
    await using run = runProgram(['run', ...args], {})
    expect([await run.ended, run.stdout]).toEqual([0, 'below a path\n'])
    expect(run.stderr).toContain(`${root}/?board=demo`)
  },
)

testWith('nginx')('[PF5] a cache between gives no old answer, and none for another prefix', async () => {
  await using server = await startTestServer()
  await using proxy = await startNginx((folder) => ({
    http: `proxy_cache_path ${folder}/cache keys_zone=c:1m;
      map $arg_prefix $prefix { default ''; ~^. $arg_prefix; }`,
    server: `location / {
      proxy_pass ${server.url}; proxy_cache c; proxy_cache_valid 200 1m; proxy_cache_valid any 1m;
      proxy_cache_key $uri; proxy_set_header X-Forwarded-Prefix $prefix; add_header X-Cache $upstream_cache_status always; }`,
  }))
  const read = async (path: string) => {
    const answer = await fetch(`${proxy.url}${path}`, { headers: { Accept: 'text/html' } })
    return { text: await answer.text(), cache: answer.headers.get('X-Cache') }
  }
  const paths = [
    '/api/v1/boards',
    '/api/v1/boards/demo',
    '/api/v1/cursor',
    '/api/v1/events',
    '/health',
    '/stats',
    '/metrics',
  ]
  const before = await Promise.all(paths.map(read))
  await makeBoard(server, 'demo')
  await using listener = await fetch(`${server.url}/sse?boardId=demo`).then((answer) => ({
    [Symbol.asyncDispose]: async () => answer.body?.cancel(),
  }))
  for (const [index, path] of paths.entries()) {
    const { text, cache } = await read(path)
    expect([cache, text !== before[index]?.text], path).toEqual(['MISS', true])
  }
  expect((await read('/?prefix=/one')).text).toContain(' src="/one/assets/')
  expect((await read('/?prefix=/two')).text).toContain(' src="/two/assets/')
  // The cache is one: what may be kept is.
  const [file = ''] = /\/assets\/[\w-]+\.js/.exec((await read('/')).text) ?? []
  expect([(await read(file)).cache, (await read(file)).cache]).toEqual(['MISS', 'HIT'])
  expect(listener).toBeDefined()
})
