/** The programs of docs/ci.md that post events, run unchanged, on a road to the server with every fault that passes. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, type ExpectStatic, expect, test } from 'vitest'
import { blocksOf, blockUnder } from '../support/markdown.ts'
import { Workplace } from '../support/package.ts'
import { hasProgram, pythonWith } from '../support/programs.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const blocks = blocksOf('docs/ci.md')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-posting-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Language {
  readonly block: string
  /** Resolves to the program and its first arguments. */
  prepare(work: Workplace, code: string): Promise<readonly [string, ...string[]]>
}

const python = pythonWith('urllib.request')

const LANGUAGES: Readonly<Record<string, Language | undefined>> = {
  Python: python === undefined ? undefined : { block: 'python', prepare: save(python, 'post.py') },
  Go: hasProgram('go')
    ? {
        block: 'go',
        async prepare(work, code) {
          work.write('main.go', code)
          const env = { ...process.env, GO111MODULE: 'off' }
          await promisify(execFile)('go', ['build', '-o', 'post', 'main.go'], { cwd: work.folder, env })
          return [join(work.folder, 'post')]
        },
      }
    : undefined,
  bash: hasProgram('curl') && hasProgram('jq') ? { block: 'bash', prepare: save('bash', 'post.sh') } : undefined,
}

function save(command: string, name: string): Language['prepare'] {
  return async (work, code) => {
    work.write(name, code)
    return [command, name]
  }
}

/** What becomes of a request on the way. `lost`: it is carried out, and the answer never arrives. */
type Fate = 'passes' | 'busy' | 'bad gateway' | 'lost' | 'reset' | 'restart' | 'refused'

interface Seen {
  readonly at: number
  readonly key: string | undefined
  readonly token: string | undefined
}

/** A proxy that gives each request the next fate, and lets all later ones pass. */
async function roadTo(server: TestServer, fates: readonly Fate[]) {
  const seen: Seen[] = []
  const left = [...fates]
  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { authorization, 'idempotency-key': key } = incoming.headers
    seen.push({ at: Date.now(), key: key?.toString(), token: authorization })
    const body = Buffer.concat(await incoming.toArray())
    const fate = left.shift() ?? 'passes'
    if (fate === 'busy') outgoing.writeHead(503, { 'Retry-After': '1' }).end('{"detail":"one moment"}')
    else if (fate === 'bad gateway')
      outgoing.writeHead(502, { 'Content-Type': 'text/html' }).end('<h1>Bad Gateway</h1>')
    else if (fate === 'refused') outgoing.writeHead(422).end('{"detail":"this is not wanted"}')
    else if (fate === 'reset') incoming.socket.resetAndDestroy()
    else if (fate === 'restart') {
      await server.restart()
      incoming.socket.destroy()
    } else {
      const { method, url: path, headers } = incoming
      const answered = await new Promise<IncomingMessage>((resolve, reject) => {
        request(`${server.url}${path}`, { method, headers }, resolve).once('error', reject).end(body)
      })
      const answer = Buffer.concat(await answered.toArray())
      if (fate === 'lost') incoming.socket.destroy()
      else outgoing.writeHead(answered.statusCode ?? 500, answered.headers).end(answer)
    }
  }
  const listener = createServer((incoming, outgoing) => {
    handle(incoming, outgoing).catch(() => incoming.socket.destroy())
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    seen: seen as readonly Seen[],
    async [Symbol.asyncDispose]() {
      listener.closeAllConnections()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}

/** Texts that break quoting. */
const NAMES = ['build', '"\\ $HOME `id`', 'żółć 你好 👩‍🚀', '-n', "it's\nmore", '']

/** Faults between those that pass: one for each name but the last. */
const FATES: readonly Fate[] = ['passes', 'busy', 'passes', 'lost', 'passes', 'reset', 'passes', 'bad gateway']

describe.concurrent('programs that post', { timeout: 120_000 }, () => {
  for (const [heading, language] of Object.entries(LANGUAGES)) {
    const title = `[CMD39b] ${heading}`
    if (language === undefined) {
      test.skip(`${title} (not installed)`)
      continue
    }
    test(title, async ({ expect: expectHere }) => {
      await using server = await startTestServer({ token: 'a-password-for-this-test' })
      const code = blockUnder(blocks, heading, language.block)
      using work = new Workplace(join(folder, language.block), { BOARDCAST_TOKEN: 'a-password-for-this-test' })
      const [command, ...args] = await language.prepare(work, code)

      await using road = await roadTo(server, [...FATES, 'passes', 'restart'])
      const env = { BOARDCAST_URL: road.url }
      const { code: exit, stderr } = await work.run(command, [...args, ...NAMES], env)
      expectHere([exit, stderr]).toEqual([0, expectHere.any(String)])
      expectHere(await postedNames(server)).toEqual(NAMES)
      inspect(road.seen, expectHere)

      await using refusing = await roadTo(server, ['refused'])
      const refused = await work.run(command, [...args, 'unwanted', 'never'], { BOARDCAST_URL: refusing.url })
      expectHere(refused.code).toBe(1)
      expectHere(refused.stderr).toContain('this is not wanted')
      expectHere(refusing.seen).toHaveLength(1)
    })
  }
})

test('[CMD39b] every program of the document is among these', () => {
  const found = blocks.filter(({ code }) => code.includes('Idempotency-Key'))
  expect(found.map(({ heading }) => heading)).toEqual(Object.keys(LANGUAGES))
})

async function postedNames(server: TestServer): Promise<string[]> {
  const headers = { Authorization: 'Bearer a-password-for-this-test' }
  const { body } = await server.call<{ events: { data: { name: string } }[] }>(
    'GET',
    '/events?channels=topic:builds',
    undefined,
    headers,
  )
  return body.events.map(({ data }) => data.name)
}

/** One key for each event, the token with every request, and no second try before Retry-After. */
function inspect(seen: readonly Seen[], expectHere: ExpectStatic): void {
  expectHere(new Set(seen.map(({ token }) => token))).toEqual(new Set(['Bearer a-password-for-this-test']))
  const keys = [...new Set(seen.map(({ key }) => key))]
  expectHere(keys).toHaveLength(NAMES.length)
  // Requests 2 and 3 are the second event, and so on: every fault is followed by one more try.
  const tries = keys.map((key) => seen.filter((each) => each.key === key).length)
  expectHere(tries).toEqual([1, 2, 2, 2, 2, 2])
  const [, busy, next] = seen
  expectHere((next?.at ?? 0) - (busy?.at ?? 0)).toBeGreaterThanOrEqual(900)
}
