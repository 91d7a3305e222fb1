/** The page under its content security policy, and the question of a link, in Debian's Firefox. Rules HA1, AU11 and AU27 of docs/security.md. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { makeBoard, makeWork } from '../support/board.ts'
import { Firefox, firefoxMissing } from '../support/firefox.ts'
import { issuerKey, startKeySetServer } from '../support/issuer.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { actingAs, startServerWithRights, tokenFor } from '../support/tokens.ts'

const NOTE_VIOLATIONS = `() => {
  window.violations = []
  addEventListener('securitypolicyviolation', (event) => violations.push(event.effectiveDirective + ' ' + event.blockedURI))
}`

let firefox: Firefox | undefined
beforeAll(async () => {
  if (firefoxMissing) return
  firefox = await Firefox.launch()
  await firefox.beforeEveryPage(NOTE_VIOLATIONS)
}, 180_000)
afterAll(() => firefox?.close())

async function open(url: string) {
  if (!firefox) throw new Error('no Firefox')
  const page = await firefox.open(url)
  onTestFinished(() => page.close())
  return page
}

async function serve(start: Promise<TestServer>): Promise<TestServer> {
  const server = await start
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

const shows = (selector: string, text: string) =>
  `[...document.querySelectorAll('${selector}')].some((node) => node.textContent.includes(${JSON.stringify(text)}))`

describe.skipIf(firefoxMissing)('in Firefox', () => {
  test('[HA1] the page works in its policy without a violation or a word on the console', async () => {
    const server = await serve(startTestServer())
    const { boardId, card, attempt } = await makeWork(server)
    const page = await open(`${server.url}/?board=${boardId}`)
    await page.waitFor(shows('.card', card.title))
    await server.call('POST', `/attempts/${attempt.id}/logs`, {
      message: '\u001b[38;2;255;0;0mred\u001b[0m <b>x</b>',
      level: 'warn',
    })
    await page.waitFor(`document.querySelector('.lines .fg-own') !== null`)
    expect(await page.evaluate(`getComputedStyle(document.querySelector('.lines .fg-own')).color`)).toEqual(
      expect.stringMatching(/^oklch\(0\.\d+ 0\.25\d+ 29\./),
    )
    await page.evaluate(`{
      document.querySelector('#card-title').value = 'By the page'
      document.querySelector('form.add-card').requestSubmit()
    }`)
    await page.waitFor(shows('.card', 'By the page'))
    await page.evaluate(`document.querySelector('a.back').click()`)
    await page.waitFor(shows('h1', 'Boards'))
    expect(await page.evaluate('violations')).toEqual([])
    expect(page.said).toEqual([])
  })

  test('[HA1] the policy forbids code from text, markup from text, and foreign addresses', async () => {
    const server = await serve(startTestServer())
    const { id } = await makeBoard(server)
    const page = await open(`${server.url}/?board=${id}`)
    await page.waitFor(shows('h1', id))
    const tries = await page.evaluate<Record<string, string>>(`(async () => {
      const attempt = async (work) => {
        try { return String((await work()) ?? 'done') } catch (error) { return error.name }
      }
      const script = document.createElement('script')
      script.append('window.owned = true')
      return {
        script: await attempt(() => document.body.append(script)),
        markup: await attempt(() => { document.body.innerHTML = '<img src=x onerror="window.owned = true">' }),
        code: await new Promise((resolve) => setTimeout(() => resolve(attempt(() => (0, eval)('window.owned = true'))))),
        foreign: await attempt(() => fetch('http://127.0.0.1:9/').then(() => 'open')),
        ours: await attempt(() => fetch('/health').then(({ ok }) => ok)),
        owned: String(window.owned),
      }
    })()`)
    expect(tries).toMatchObject({ markup: 'TypeError', foreign: 'TypeError', ours: 'true', owned: 'undefined' })
    expect(tries.code).toMatch(/Error$/)
    expect((await page.evaluate<string[]>('violations')).length).toBeGreaterThanOrEqual(3)
  })

  test('[HA1] the page cannot be shown in a frame, even of its own origin', async () => {
    const server = await serve(startTestServer())
    const page = await open(`${server.url}/`)
    const shown = await page.evaluate<string>(`new Promise((resolve) => {
      const frame = document.createElement('iframe')
      frame.src = '/'
      frame.onload = () => resolve(frame.contentDocument ? 'shown' : 'refused')
      document.body.append(frame)
    })`)
    expect(shown).toBe('refused')
  })

  test('[AU27] a link from another site asks first, and the form of the question is accepted', async () => {
    const server = await serve(startServerWithRights())
    await actingAs(server, await tokenFor(['*'])).post('/boards', { id: 'demo', name: 'Demo' })
    const mallory = actingAs(server, await tokenFor(['*'], ['*'], { sub: 'mallory' }))
    const { ticket } = await mallory.post<{ ticket: string }>('/tickets', {})
    const elsewhere = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html').end(`<a href="${server.url}/?board=demo&ticket=${ticket}">Go</a>`)
    })
    await new Promise<void>((resolve) => elsewhere.listen(0, 'localhost', resolve))
    onTestFinished(() => {
      elsewhere.closeAllConnections()
      elsewhere.close()
    })
    const page = await open(`http://localhost:${(elsewhere.address() as AddressInfo).port}/`)
    await page.evaluate(`document.querySelector('a').click()`)
    await page.waitFor(shows('h1', 'Sign in as mallory?'))
    // Its own style is allowed by its policy.
    expect(await page.evaluate(`getComputedStyle(document.querySelector('form')).display`)).toBe('flex')
    expect(await page.evaluate('violations')).toEqual([])
    await page.evaluate(`document.querySelector('button').click()`)
    await page.waitFor(`document.querySelector('.pill[data-phase=live]') !== null`)
    expect(await page.evaluate('location.href')).toBe(`${server.url}/?board=demo`)
  })

  test('[AU11] an EventSource waits while there are no keys of the issuer', async () => {
    const key = issuerKey('ES256', 'ec')
    await using issuer = await startKeySetServer(key)
    issuer.answerBy((response) => response.writeHead(500).end())
    const server = await serve(startTestServer({ jwksUrl: issuer.url, logLevel: 'silent' }))
    const token = await key.sign({ boardcast: { subscribe: ['*'] } })
    const page = await open(`${server.url}/`)
    await page.evaluate(`{
      window.source = new EventSource('/sse?token=${token}')
      for (const name of ['overloaded', 'hello']) source.addEventListener(name, () => { window[name] = true })
    }`)
    await page.waitFor('window.overloaded')
    issuer.answerBy(undefined)
    await page.waitFor('window.hello')
  })
})
