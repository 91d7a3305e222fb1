/**
 * The examples of docs/client.md.
 *
 * DOC5  The first example has five lines and prints what the document shows; the Node script works.
 * DOC6  Every option, hook, phase and stop reason of the client is in the document.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { openStreams } from '../client/support/stats.ts'
import { makeAttempt, makeBoard, makeCard } from '../support/board.ts'
import { startTestServer } from '../support/server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const text = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8')
const blocks = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, code]) => code as string)

/** Runs a block as a program in this package. */
function run(code: string, args: readonly string[] = [], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code, '--', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  })
  onTestFinished(() => void child.kill())
  const printed = { text: '' }
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      printed.text += chunk.toString()
    })
  }
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { printed, ended, child }
}

test('[DOC5] the first example has five lines, and prints what the document shows', async () => {
  await using server = await startTestServer()
  await makeBoard(server, 'demo')
  const [first] = blocks as [string]
  expect(first.trim().split('\n').length).toBe(5)
  const { printed } = run(first.replace('http://127.0.0.1:3000', server.url))
  await expect.poll(() => openStreams(server), { timeout: 10_000 }).toBe(1)
  await expect.poll(() => printed.text, { timeout: 10_000 }).toMatch(/\[\]\n$/)
  const card = await makeCard(server, 'demo', { title: 'Hello' })
  // Two listeners: their order is not guaranteed.
  for (const line of [`${card.eventId} card_created\n`, "[ 'Hello' ]\n"]) {
    await expect.poll(() => printed.text, { timeout: 10_000 }).toContain(line)
  }
})

test('[DOC5] the Node script waits for the end of an attempt, and ends', async () => {
  await using server = await startTestServer()
  const { id } = await makeBoard(server)
  const attempt = await makeAttempt(server, (await makeCard(server, id)).id)
  const script = blocks.find((code) => code.includes('process.argv')) as string
  // In a file argv[2] is the first argument; here argv[1] is.
  const { printed, ended } = run(script.replace('argv[2]', 'argv[1]'), [attempt.id], { BOARDCAST_URL: server.url })
  await server.post(`/attempts/${attempt.id}/logs`, { message: 'done' })
  await server.call('PATCH', `/attempts/${attempt.id}`, { status: 'succeeded', exitCode: 0 })
  expect([await ended, printed.text]).toEqual([0, 'succeeded 1\n'])
})

test('[DOC5] the Node script also ends if the attempt does not exist', async () => {
  await using server = await startTestServer()
  const script = blocks.find((code) => code.includes('process.argv')) as string
  for (const id of ['00000000-0000-4000-8000-000000000000', 'no attempt!']) {
    const { printed, ended } = run(script.replace('argv[2]', 'argv[1]'), [id], { BOARDCAST_URL: server.url })
    expect(await ended).toBe(1)
    expect(printed.text).toMatch(/^.+\n$/)
  }
})

test('[DOC5] the script that continues another day has a first run, and misses nothing in between', async () => {
  await using server = await startTestServer()
  const { id } = await makeBoard(server)
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-days-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = JSON.stringify(join(folder, 'last-id'))
  const script = (blocks.find((code) => code.includes("'last-id'")) as string).replaceAll("'last-id'", file)
  for (const [title, later] of [
    ['one', 'two'],
    ['three', 'four'],
  ] as const) {
    const { printed, ended, child } = run(script, [], { BOARDCAST_URL: server.url })
    await expect.poll(() => openStreams(server), { timeout: 10_000 }).toBe(1)
    await makeCard(server, id, { title })
    await expect.poll(() => printed.text, { timeout: 10_000 }).toContain(`'${title}'`)
    if (title === 'three') expect(printed.text).toContain("'two'")
    child.kill()
    await ended
    await expect.poll(() => openStreams(server), { timeout: 10_000 }).toBe(0)
    await makeCard(server, id, { title: later })
  }
})

test('[DOC6] every option, hook, phase and stop reason is there', () => {
  const source = (path: string) => readFileSync(new URL(`../../web/client/${path}`, import.meta.url), 'utf8')
  const options = source('base/options.ts').slice(source('base/options.ts').indexOf('interface ClientOptions'))
  const names = [...options.slice(0, options.indexOf('}\n')).matchAll(/readonly (\w+)\?/g)].map(
    ([, name]) => name as string,
  )
  expect(names.length).toBeGreaterThan(10)
  for (const name of names.filter((each) => each !== 'backoff')) expect(text).toContain(`| \`${name}\``)
  for (const field of ['firstMs', 'maxMs', 'failures', 'restMs']) expect(text).toContain(`| \`backoff.${field}\``)
  const hooks = [...source('react.ts').matchAll(/^export function (use[A-Z]\w+)/gm)].map(([, name]) => name as string)
  expect(hooks.length).toBeGreaterThan(12)
  for (const hook of hooks) expect(text).toContain(`\`${hook}(`)
  const types = source('base/types.ts')
  for (const type of ['Phase', 'StopReason']) {
    const union = types.slice(types.indexOf(`type ${type} =`)).split('\n\n')[0] as string
    const members = [...union.matchAll(/'([a-z-]+)'/g)].map(([, member]) => member as string)
    expect(members.length).toBeGreaterThan(5)
    for (const member of members) expect(text).toContain(`\`${member}\``)
  }
})
