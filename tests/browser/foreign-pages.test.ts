/**
 * Pages of other origins in a real Chromium, against a server on loopback: one whose name was made to resolve to this
 * machine (DNS rebinding), and one that sends requests across origins. Rules HO1 and HO5 of docs/operations.md.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { makeBoard } from '../support/board.ts'
import { launchChromium } from '../support/chromium.ts'
import { newestId } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const EVIL = 'evil.test'
const PAGE = 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<p>attack</p>'

let browser: Browser
let server: TestServer

beforeAll(async () => {
  server = await startTestServer({ hasSocketIo: true })
  browser = await launchChromium({ args: [`--host-resolver-rules=MAP ${EVIL} 127.0.0.1`] })
})

afterAll(async () => {
  await browser.close()
  await server[Symbol.asyncDispose]()
})

interface Target {
  readonly boardId: string
  readonly attemptId: string
}

async function makeTarget(): Promise<Target> {
  const board = await makeBoard(server)
  const card = await server.post<{ id: string }>(`/boards/${board.id}/cards`, { title: 'x' })
  const attempt = await server.post<{ id: string }>(`/cards/${card.id}/attempts`, { agent: 'a', status: 'running' })
  return { boardId: board.id, attemptId: attempt.id }
}

/** Runs in the page: everything that it could try against the server at `base`; resolves to what came of each. */
async function attack({ base, boardId, attemptId }: Target & { base: string }): Promise<Record<string, string>> {
  const json = { 'Content-Type': 'application/json' }
  const api = `${base}/api/v1`
  const text = async (url: string, init?: RequestInit) => {
    try {
      return `${(await fetch(url, init)).status}`
    } catch {
      return 'blocked'
    }
  }
  const socket = (path: string) =>
    new Promise<string>((resolve) => {
      const opened = new WebSocket(base.replace('http', 'ws') + path)
      opened.onopen = () => resolve('open')
      opened.onerror = () => resolve('blocked')
    })
  const stream = new Promise<string>((resolve) => {
    const source = new EventSource(`${base}/sse?channels=global&since=earliest`)
    source.addEventListener('hello', () => resolve('open'))
    source.onerror = () => resolve('blocked')
  })
  return {
    read: await text(`${api}/boards/${boardId}`),
    log: await text(`${api}/events`),
    stats: await text(`${base}/stats`),
    page: await text(`${base}/`),
    post: await text(`${api}/boards`, { method: 'POST', headers: json, body: '{"name":"owned"}' }),
    remove: await text(`${api}/boards/${boardId}`, { method: 'DELETE' }),
    stop: await text(`${api}/attempts/${attemptId}/stop`, { method: 'POST', mode: 'no-cors' }),
    socket: await socket('/ws'),
    board: await socket(`/ws?boardId=${boardId}`),
    socketIo: await socket('/socket.io/?EIO=4&transport=websocket'),
    polling: await text(`${base}/socket.io/?EIO=4&transport=polling`),
    stream: await stream,
  }
}

async function statusOf({ boardId, attemptId }: Target): Promise<unknown> {
  const { attempt } = await server.get<{ attempt: { status: string } }>(`/attempts/${attemptId}`)
  const { boards } = await server.get<{ boards: Array<{ id: string; name: string }> }>('/boards')
  return {
    status: attempt.status,
    board: boards.some(({ id }) => id === boardId),
    owned: boards.some(({ name }) => name === 'owned'),
  }
}

const UNTOUCHED = { status: 'running', board: true, owned: false }

async function newPage(): Promise<Page> {
  const page = await browser.newPage()
  onTestFinished(() => page.close())
  return page
}

test('[HO1] a page whose name resolves to this machine reads nothing, changes nothing and opens nothing', async () => {
  const target = await makeTarget()
  const before = await newestId(server)
  // The name leads to the attacker's machine at first, and to this one once the page is there.
  let isRebound = false
  const front = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    if (isRebound) {
      const onward = connect(server.port, '127.0.0.1').on('error', () => socket.destroy())
      socket.pipe(onward).pipe(socket)
    } else {
      socket.once('data', () => socket.end(PAGE))
    }
  })
  onTestFinished(() => {
    front.close()
  })
  await once(front.listen(0, '127.0.0.1'), 'listening')
  const base = `http://${EVIL}:${(front.address() as AddressInfo).port}`
  const page = await newPage()
  await page.goto(base)
  isRebound = true
  const outcome = await page.evaluate(attack, { ...target, base })
  for (const [name, result] of Object.entries(outcome))
    expect([name, result]).toEqual([name, expect.stringMatching(/^(403|blocked)$/)])
  expect(await statusOf(target)).toEqual(UNTOUCHED)
  expect(await newestId(server)).toBe(before)
})

test('[HO5] a page of another origin reads nothing, changes nothing and opens nothing', async () => {
  const target = await makeTarget()
  const before = await newestId(server)
  const attacker = createServer((_, answer) => {
    answer.setHeader('Content-Type', 'text/html')
    answer.end('<p>attack</p>')
  })
  onTestFinished(() => {
    attacker.close()
  })
  await once(attacker.listen(0, '127.0.0.1'), 'listening')
  const { port } = attacker.address() as AddressInfo
  const stop = `${server.url}/api/v1/attempts/${target.attemptId}/stop`

  for (const origin of [`http://${EVIL}:${port}`, `http://127.0.0.1:${port}`]) {
    const page = await newPage()
    await page.goto(origin)
    const outcome = await page.evaluate(attack, { ...target, base: server.url })
    for (const [name, result] of Object.entries(outcome)) expect([name, result]).toEqual([name, 'blocked'])
    expect(await statusOf(target)).toEqual(UNTOUCHED)

    // What needs no preflight the browser sends without asking, a form too, whose answer becomes the page.
    const answered = page.waitForResponse(stop)
    await page.evaluate(`{
      const form = Object.assign(document.createElement('form'), { method: 'post', action: '${stop}', enctype: 'text/plain' })
      document.body.append(form)
      form.submit()
    }`)
    expect((await answered).status()).toBe(403)
    expect(await statusOf(target)).toEqual(UNTOUCHED)
  }
  expect(await newestId(server)).toBe(before)
})

test('[HO5] our own page does all of it', async () => {
  const target = await makeTarget()
  const page = await newPage()
  await page.goto(server.url)
  const outcome = await page.evaluate(attack, { ...target, base: server.url })
  expect(outcome).toMatchObject({
    read: '200',
    post: '201',
    remove: '204',
    socket: 'open',
    socketIo: 'open',
    polling: '200',
    stream: 'open',
  })
})
