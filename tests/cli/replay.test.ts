/** `boardcast replay`, run as the built program on recordings of every event type. Rule CMD21 of docs/cli.md. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { catalogue, type EventType } from '../../shared/src/catalogue.ts'
import { REPLAYED } from '../../src/cli/replay/requests.ts'
import { scenarios } from '../support/scenarios/all.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { boardcast } from './support/program.ts'

let server: TestServer
let folder: string
beforeAll(async () => {
  server = await startTestServer()
  folder = mkdtempSync(join(tmpdir(), 'boardcast-replay-'))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

async function run(url: string, args: readonly string[]) {
  const program = boardcast([...args, '--url', url], { HOME: folder }, { cwd: folder })
  const code = await program.ended
  return { code, stdout: program.stdout().toString(), stderr: program.stderr() }
}

interface Line {
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

const linesOf = (text: string): Line[] => text.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)))
const recorded = (file: string) => linesOf(readFileSync(join(folder, file), 'utf8'))

/** What no request says: it follows from another event, from a socket, or from time. */
const FOLLOWS = ['attempt.started', 'message.expired', 'agent.connected', 'agent.disconnected', 'agent.profile.changed']

test('[CMD21] every event type is either posted again or follows from others', () => {
  expect([...REPLAYED, ...FOLLOWS].sort()).toEqual([...Object.keys(catalogue), 'agent.heartbeat'].sort())
})

test('[CMD21] a recording of every event type, posted to another server, makes the same events', async () => {
  for (const type of Object.keys(scenarios) as EventType[]) {
    const scene = await scenarios[type](server)
    await scene.act()
  }
  await run(server.url, ['record', 'all.jsonl', '--since', 'earliest', '--no-follow'])
  const all = recorded('all.jsonl')
  expect(new Set(all.map(({ event }) => event)).size).toBeGreaterThanOrEqual(Object.keys(catalogue).length - 1)

  await using other = await startTestServer()
  const { code, stdout, stderr } = await run(other.url, ['replay', 'all.jsonl', '--speed', 'max'])
  expect([code, stderr]).toEqual([0, ''])
  const skipped = all.filter(({ event }) => FOLLOWS.includes(event)).length
  expect(JSON.parse(stdout)).toEqual({ posted: all.length - skipped, skipped, refused: 0 })
  await run(other.url, ['record', 'again.jsonl', '--since', 'earliest', '--no-follow'])
  const names = (lines: readonly Line[]) => {
    const fromOutside = FOLLOWS.filter((event) => event !== 'attempt.started')
    return lines.map(({ event }) => event).filter((event) => !fromOutside.includes(event))
  }
  expect(names(recorded('again.jsonl'))).toEqual(names(all))
})

test('[CMD21] --board puts it all on another board; --dry-run only tells; the rhythm is the recorded one', async () => {
  const post = async (path: string, body: object) => (await server.call<{ id: string }>('POST', path, body)).body
  await post('/boards', { id: 'source', name: 'Source' })
  const since = (await run(server.url, ['cursor'])).stdout.trim()
  const first = await post('/boards/source/cards', { title: 'first' })
  await post(`/cards/${first.id}/move`, { columnKey: 'review' })
  await new Promise((resolve) => setTimeout(resolve, 300)) // the rhythm
  await post('/boards/source/cards', { title: 'second', dependsOn: [first.id] })
  await run(server.url, ['record', 'board.jsonl', '--board', 'source', '--since', since, '--no-follow'])

  const dry = await run(server.url, ['replay', 'board.jsonl', '--board', 'copy', '--dry-run'])
  expect(linesOf(dry.stdout).map((line) => ({ ...line }))).toMatchObject([
    { method: 'POST', path: '/boards/copy/cards', body: { title: 'first' } },
    { method: 'POST' },
    { method: 'POST', path: '/boards/copy/cards', body: { title: 'second' } },
    { posted: 3, skipped: 0, refused: 0 },
  ])
  expect((await server.call('GET', '/boards/copy')).status).toBe(404)

  const started = performance.now()
  expect(await run(server.url, ['replay', 'board.jsonl', '--board', 'copy'])).toMatchObject({ code: 0, stderr: '' })
  expect(performance.now() - started).toBeGreaterThan(300)
  const { body } = await server.call<{ state: { cards: object; columns: object } }>('GET', '/boards/copy')
  const cards: { title: string; columnId: string; dependsOn: string[]; id: string }[] = Object.values(body.state.cards)
  const columns: { id: string; key: string }[] = Object.values(body.state.columns)
  const [one, two] = ['first', 'second'].map((title) => cards.find((card) => card.title === title))
  expect(columns.find(({ id }) => id === one?.columnId)?.key).toBe('review')
  expect(two?.dependsOn).toEqual([one?.id])
})

test('[CMD21] what is refused is said, counted, and 1; a file that is no recording is 2, and nothing is posted', async () => {
  const event = (seq: number, name: string, data: object) =>
    JSON.stringify({ channel: 'global', event: name, data, timestamp: 1, id: `00000001-${seq}` })
  const text = [
    event(1, 'card.deleted', { boardId: 'b', cardId: 'crd_none', columnId: 'c' }),
    event(2, 'attempt.started', {}),
    event(3, 'posted.on.some.topic', {}),
    event(4, 'agent.registered', { agentId: 'r', agent: 'r', label: null }),
  ].join('\n')
  writeFileSync(join(folder, 'refused.jsonl'), text)
  const { code, stdout, stderr } = await run(server.url, ['replay', 'refused.jsonl', '--speed', 'max'])
  expect([code, JSON.parse(stdout)]).toEqual([1, { posted: 1, skipped: 2, refused: 1 }])
  expect(stderr).toMatch(/^boardcast: card\.deleted: DELETE \/cards\/crd_none was refused \(404\)/)
  writeFileSync(join(folder, 'wrong.jsonl'), `${text}\n{"event":`)
  const wrong = await run(server.url, ['replay', 'wrong.jsonl'])
  expect([wrong.code, wrong.stdout, wrong.stderr]).toEqual([
    2,
    '',
    expect.stringContaining('wrong.jsonl:5 is no event'),
  ])
})
