/** `boardcast schema`, run as the built program. Rules CMD12 of docs/cli.md. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { catalogue, type EventType, placementsOf } from '../../shared/src/catalogue.ts'
import { parseChannel } from '../../shared/src/channels.ts'
import { eventList, renderAsyncApi } from '../../src/contract/index.ts'
import { newAjv } from '../contract-docs/documents.ts'
import { scenarios } from '../support/scenarios/all.ts'
import { startTestServer, type TestServer } from '../support/server.ts'
import { boardcast } from './support/program.ts'

let server: TestServer
let folder: string
beforeAll(async () => {
  server = await startTestServer()
  folder = mkdtempSync(join(tmpdir(), 'boardcast-schema-'))
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** No server is named: none is needed. */
async function run(...args: string[]) {
  const program = boardcast(['schema', ...args], { HOME: folder, BOARDCAST_URL: 'http://127.0.0.1:1' }, { cwd: folder })
  const code = await program.ended
  return { code, stdout: program.stdout().toString(), stderr: program.stderr() }
}

interface Envelope {
  readonly channel: string
  readonly event: string
  readonly data: object
}

async function log(channel: string): Promise<Envelope[]> {
  const events: Envelope[] = []
  for (let after = ''; ; ) {
    const query = `channels=${encodeURIComponent(channel)}&limit=1000${after && `&after=${after}`}`
    const page = await server.call<{ events: Envelope[]; cursor: string; more: boolean }>('GET', `/events?${query}`)
    if (page.status === 404) return [] // a board that a scenario has deleted
    const { body } = page
    events.push(...body.events)
    if (!body.more) return events
    after = body.cursor
  }
}

test('[CMD12b] --out writes a schema for every event on every channel; real events are valid, others are not', async () => {
  const written = await run('--out', 'schemas')
  const { stdout } = await run('--list')
  const listed = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { channel: string; name: string })
  expect(written).toEqual({ code: 0, stdout: '', stderr: `boardcast: wrote ${listed.length} schemas to schemas\n` })
  const schemas = new Map<string, ValidateFunction>()
  const ajv = newAjv()
  for (const kind of readdirSync(join(folder, 'schemas'))) {
    for (const file of readdirSync(join(folder, 'schemas', kind))) {
      const schema = JSON.parse(readFileSync(join(folder, 'schemas', kind, file), 'utf8'))
      expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema')
      schemas.set(`${kind} ${file.replace('.schema.json', '')}`, ajv.compile(schema))
    }
  }
  expect([...schemas.keys()].sort()).toEqual(listed.map(({ channel, name }) => `${channel} ${name}`).sort())

  for (const type of Object.keys(scenarios) as EventType[]) await (await scenarios[type](server)).act()
  const global = await log('global')
  const posted = Object.entries(catalogue).flatMap(([type, { isPosted }]) => (isPosted ? [type] : []))
  const channels = new Set(
    global.flatMap(({ event, data }) => {
      const entry = catalogue[event as EventType]
      return entry ? placementsOf(entry, data as never).map(({ channel }) => channel) : []
    }),
  )
  const seen = new Set<string>()
  for (const channel of ['global', ...channels].filter((name) => !/^(\*|dashboard|metrics)$/.test(name))) {
    for (const { channel: on, event, data } of await log(channel)) {
      const key = `${on === '*' ? 'everyone' : parseChannel(on)?.kind} ${event}`
      const validate = schemas.get(key)
      if (validate === undefined) {
        expect(Object.hasOwn(catalogue, event), `${key} has a schema`).toBe(false)
        continue
      }
      seen.add(key)
      expect(validate(data), `${key}: ${JSON.stringify(validate.errors)}`).toBe(true)
      expect(validate({ ...data, surplus: 1 }), `${key} with a field too many`).toBe(false)
    }
  }
  const inLog = [...schemas.keys()].filter(
    (key) => !/^(control|snapshot) |agent\.heartbeat$|^dashboard |^metrics /.test(key),
  )
  // A deleted board has no log any more; what goes to everyone under its domain name, `global` shows once.
  expect(inLog.filter((key) => !seen.has(key) && !posted.some((type) => key.endsWith(` ${type}`)))).toEqual([
    'board board_deleted',
    ...['everyone message.expired', 'everyone message.new', 'everyone message.read'],
  ])
})

test('[CMD12b] every message of the AsyncAPI document that is an event with a name of ours has a schema', () => {
  const { channels } = JSON.parse(renderAsyncApi()) as { channels: Record<string, { messages: object }> }
  const keys = new Set(Object.values(channels).flatMap(({ messages }) => Object.keys(messages)))
  const events = eventList().map(({ kind, name }) => `${kind}.${name}`)
  // Without a name of ours: what clients post. No events: what is said on sockets.
  const others = [...keys].filter(
    (key) => !/\.posted$|^client\.|^control\.(ack|error|pong|connected|(un)?subscribed)$/.test(key),
  )
  expect(others.filter((key) => !events.includes(key))).toEqual([])
  expect(events.filter((key) => !keys.has(key))).toEqual([])
})

test('[CMD12b] NAME is the event on global, with --channel that on a kind of channel; complete in itself', async () => {
  const [global, board, replayed] = await Promise.all([
    run('card.moved'),
    run('--channel', 'board', 'card_moved'),
    run('--channel', 'board', 'attempt_status'),
  ])
  expect([global.code, board.code, replayed.code]).toEqual([0, 0, 0])
  const [ofGlobal, ofBoard] = [JSON.parse(global.stdout), JSON.parse(board.stdout)]
  expect([ofGlobal.title, ofBoard.title]).toEqual(['GlobalCardMoved', 'CardMoved'])
  expect(global.stdout.split('\n')).toHaveLength(2)
  expect(newAjv().compile(ofGlobal)(catalogue['card.moved'].example)).toBe(true)
  expect(newAjv().compile(ofBoard)(catalogue['card.moved'].example)).toBe(false)
  // The statuses that a stream of a board begins with.
  const { attemptId, cardId, agent, status, previousStatus, ...rest } = catalogue['attempt.status.changed'].example
  const shown = { attemptId, cardId, agent, status, previousStatus, replayed: true }
  const { properties } = JSON.parse(replayed.stdout)
  const bare = Object.fromEntries(Object.entries({ ...rest, ...shown }).filter(([name]) => name in properties))
  expect(newAjv().compile(JSON.parse(replayed.stdout))(bare)).toBe(true)
})

test('[CMD12c] openapi and asyncapi are what the server answers, byte for byte', async () => {
  const asked = [
    [['openapi', '--version', '3.2'], '/openapi.json?version=3.2'],
    [['openapi', '--version', '3.1'], '/openapi.json?version=3.1'],
    [['asyncapi'], '/asyncapi.json'],
  ] as const
  for (const [words, path] of asked) {
    const [printed, answered] = await Promise.all([
      run(...words),
      fetch(server.url + path).then((response) => response.text()),
    ])
    expect([printed.code, printed.stderr]).toEqual([0, ''])
    expect(printed.stdout === answered, path).toBe(true)
  }
  expect((await run('openapi')).stdout.startsWith('{"openapi":"3.2.0"')).toBe(true)
})

test('[CMD12d] what is not known is 2, with the nearest name; a folder that cannot be written is 1', async () => {
  writeFileSync(join(folder, 'file'), '')
  const [event, kind, elsewhere, channel, version, nothing, both, unwritable] = await Promise.all([
    run('card.craeted'),
    run('--channel', 'borad', 'card_moved'),
    run('card_moved'),
    run('--channel', 'board:demo', '--list'),
    run('openapi', '--version', '3.0'),
    run(),
    run('--list', 'card.moved'),
    run('--out', 'file/inner'),
  ])
  // A folder that can be seen, and holds nothing new.
  const refused = await run('--out', '/proc/schemas/inner')
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('cannot be written')])
  expect([event, kind, elsewhere, channel, version, nothing, both].map(({ code }) => code)).toEqual(Array(7).fill(2))
  expect(event.stderr).toContain('Did you mean card.created?')
  expect(kind.stderr).toContain('Did you mean board?')
  expect(elsewhere.stderr).toContain('card_moved is no event of global. Use --channel board')
  expect(channel.stderr).toContain('Did you mean board?')
  expect(version.stderr).toContain('it can be 3.2 or 3.1')
  expect([unwritable.code, unwritable.stderr]).toEqual([1, expect.stringContaining('cannot be written (ENOTDIR)')])
})
