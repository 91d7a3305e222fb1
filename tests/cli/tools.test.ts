/** `boardcast wait`, `record`, `config` and `post`, run as the built program. Rules of docs/cli.md. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { declaredRoutes } from '../../src/contract/index.ts'
import { freePort } from '../support/free-port.ts'
import { boardcast } from './support/program.ts'
import { startHub } from './support/server.ts'
import { startStub } from './support/stub-server.ts'

let hub: Awaited<ReturnType<typeof startHub>>
let folder: string
beforeAll(async () => {
  hub = await startHub()
  folder = mkdtempSync(join(tmpdir(), 'boardcast-wait-'))
  await hub.ask('POST', '/boards', { id: 'b', name: 'b' })
})
afterAll(async () => {
  await hub[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = folder) {
  const program = boardcast(args, { HOME: folder, BOARDCAST_URL: hub.url, ...env }, { cwd })
  const result = program.ended.then((code) => ({
    code,
    stdout: program.stdout().toString(),
    stderr: program.stderr(),
  }))
  return { program, result }
}
const run = (...args: Parameters<typeof start>) => start(...args).result

async function newAttempt(status: 'queued' | 'running' = 'queued') {
  const card = await hub.ask('POST', '/boards/b/cards', { title: 'work' })
  const attempt = await hub.ask('POST', `/cards/${card.id}/attempts`, { agent: 'a', status })
  return { cardId: card.id as string, id: attempt.id as string }
}
/** Resolves when as many streams are open. */
const listening = (streams: number) =>
  expect
    .poll(
      async () => {
        const health = (await (await fetch(`${hub.url}/health`)).json()) as { connectedClients: number }
        return health.connectedClients
      },
      { timeout: 30_000 },
    )
    .toBeGreaterThanOrEqual(streams)

describe('wait', () => {
  test('[CMD13] it looks at what is: it is so, it can no longer be so, or there is none', async () => {
    const [{ id }, ended] = [await newAttempt('running'), await newAttempt('running')]
    await hub.ask('PATCH', `/attempts/${ended.id}`, { status: 'failed', exitCode: 3 })
    const [running, finished, failed, none, wrong] = await Promise.all([
      run(['wait', 'attempt', id, '--for', 'running']),
      run(['wait', 'attempt', ended.id, '--for', 'finished']),
      run(['wait', 'attempt', ended.id, '--for', 'succeeded']),
      run(['wait', 'attempt', 'att_none', '--for', 'running']),
      run(['wait', 'attempt', id, '--for', 'suceeded']),
    ])
    expect(running).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(running.stdout)).toMatchObject({ id, status: 'running' })
    expect(JSON.parse(finished.stdout)).toMatchObject({ status: 'failed', exitCode: 3 })
    expect([failed.code, failed.stderr]).toEqual([
      1,
      expect.stringContaining('is failed and can no longer be succeeded'),
    ])
    expect([none.code, none.stderr]).toEqual([1, 'boardcast: there is no attempt att_none\n'])
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('Did you mean succeeded?')])
  })

  test('[CMD13] then it listens: the thing as it then was, however short', async () => {
    const attempts = [await newAttempt(), await newAttempt()]
    const [run1, session] = [
      await hub.ask('POST', '/workflow-runs', { name: 'r', boardId: 'b' }),
      await hub.ask('POST', '/sessions', { id: 's' }),
    ]
    const waits = [
      start(['wait', 'attempt', attempts[0]?.id ?? '', '--for', 'running']),
      start(['wait', 'attempt', attempts[1]?.id ?? '', '--for', 'succeeded']),
      start(['wait', 'card', attempts[0]?.cardId ?? '', '--for', 'review']),
      start(['wait', 'run', run1.id, '--for', 'completed']),
      start(['wait', 'session', session.id, '--for', 'finished']),
    ]
    await listening(5)
    for (const { id } of attempts) await hub.ask('PATCH', `/attempts/${id}`, { status: 'running' })
    await hub.ask('PATCH', `/attempts/${attempts[0]?.id}`, { status: 'succeeded' })
    await hub.ask('PATCH', `/attempts/${attempts[1]?.id}`, { status: 'failed' })
    await hub.ask('PATCH', `/workflow-runs/${run1.id}`, { status: 'running' })
    await hub.ask('PATCH', `/workflow-runs/${run1.id}`, { status: 'completed' })
    await hub.ask('PATCH', '/sessions/s', { status: 'cancelled' })
    const [running, failed, card, completed, finished] = await Promise.all(waits.map(({ result }) => result))
    expect([running, failed, card, completed, finished].map((each) => each?.code)).toEqual([0, 1, 0, 0, 0])
    expect(JSON.parse(running?.stdout ?? '')).toMatchObject({ id: attempts[0]?.id, status: 'running', endedAt: null })
    expect(JSON.parse(card?.stdout ?? '')).toMatchObject({ id: attempts[0]?.cardId })
    expect(JSON.parse(finished?.stdout ?? '')).toMatchObject({ id: 's', status: 'cancelled' })
  })

  test('[CMD13] a thing that is deleted, a column that does not exist, and time that is up', async () => {
    const { cardId } = await newAttempt()
    const gone = start(['wait', 'card', cardId, '--for', 'review'])
    await listening(1)
    await hub.ask('DELETE', `/cards/${cardId}`)
    const { id } = await newAttempt()
    const other = await hub.ask('POST', '/boards/b/cards', { title: 'other' })
    const [deleted, column, late] = await Promise.all([
      gone.result,
      run(['wait', 'card', other.id, '--for', 'reviews']),
      run(['wait', 'attempt', id, '--for', 'finished', '--timeout', '1s']),
    ])
    expect([deleted.code, deleted.stderr]).toEqual([1, `boardcast: there is no card ${cardId}\n`])
    expect([column.code, column.stderr]).toEqual([2, expect.stringContaining('Did you mean review?')])
    expect([late.code, late.stderr]).toEqual([3, expect.stringContaining('the time is up: attempt')])
  })

  test('[CMD13] the server: as soon as it is ready, or 5 if nobody is there until the time is up', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    await using starting = await startStub([
      { status: 503 },
      { status: 503 },
      { status: 200, body: { status: 'ready' } },
    ])
    const [ready, later, never] = await Promise.all([
      run(['wait', 'server']),
      run(['wait', 'server', '--url', starting.url]),
      run(['wait', 'server', '--url', url, '--timeout', '500ms']),
    ])
    expect([ready.code, later.code, never.code]).toEqual([0, 0, 5])
    expect(JSON.parse(ready.stdout)).toMatchObject({ url: hub.url, status: 'ready' })
    expect(starting.asked).toHaveLength(3)
  })
})

describe('record', () => {
  const events = (file: string) =>
    readFileSync(join(folder, file), 'utf8')
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [JSON.parse(line).event]))

  test('[CMD20] from before the first event of CMD to the last; its failure is 8', async () => {
    const post = `require('node:http').request('${hub.url}/api/v1/boards/b/cards', { method: 'POST', headers: { 'Content-Type': 'application/json' } }, (r) => r.resume()).end('{"title":"t"}')`
    const words = ['--', 'sh', '-c', '"$0" -e "$1"; echo passes through; exit 3', process.execPath, post]
    const { code, stdout, stderr } = await run(['record', 'run.jsonl', '--type', 'card.*', ...words])
    expect([code, stdout]).toEqual([8, 'passes through\n'])
    expect(stderr).toBe('boardcast: recorded 1 event in run.jsonl\nboardcast: sh: exit code 3\n')
    expect(events('run.jsonl')).toEqual(['card.created'])
  })

  test('[CMD20] with the options of tail, and whole lines when a signal ends it', async () => {
    const all = await run(['record', 'all.jsonl', '--board', 'b', '--since', 'earliest', '-n', '2'])
    expect([all.code, events('all.jsonl').length]).toEqual([0, 2])
    const { program, result } = start(['record', 'cut.jsonl', '--since', 'earliest', '--', 'sleep', '1000'])
    await expect.poll(() => events('cut.jsonl').length, { timeout: 30_000 }).toBeGreaterThan(3)
    program.kill('SIGTERM')
    expect((await result).code).toBe(143)
    expect(readFileSync(join(folder, 'cut.jsonl'), 'utf8').endsWith('\n')).toBe(true)
    expect((await run(['record', 'no/such/folder.jsonl'])).code).toBe(2)
  })
})

describe('config', () => {
  test('[CMD8b] every setting, its value and where it comes from; secrets are masked', async () => {
    const inner = join(folder, 'configured')
    mkdirSync(inner, { recursive: true })
    writeFileSync(
      join(inner, '.boardcast.yaml'),
      `default: a\nprofiles:\n  a: {url: 'http://x:y@h:1', token: '\${SESAME}', within: 30s, board: '\${NOT_SET}'}\n`,
    )
    const env = { BOARDCAST_URL: '', SESAME: 'sesame', PORT: '8080', BOARDCAST_JWT_SECRET: 'sesame' }
    const { code, stdout } = await run(['config', '--wait-server', '5s'], env, inner)
    expect(code).toBe(0)
    expect(stdout).not.toContain('sesame')
    const shown = Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => {
          const { name, value, source } = JSON.parse(line)
          return [name, [value, source]]
        }),
    )
    const file = join(inner, '.boardcast.yaml')
    expect(shown).toMatchObject({
      profile: ['a', `default of ${file}`],
      url: ['http://x:********@h:1', `profile a of ${file}`],
      token: ['********', `profile a of ${file}`],
      key: ['********', 'variable BOARDCAST_JWT_SECRET'],
      port: ['8080', 'variable PORT'],
      host: ['127.0.0.1', 'default'],
      within: ['30s', `profile a of ${file}`],
      board: [null, `profile a of ${file}, but the variable NOT_SET is not set`],
      'wait-server': [5_000, 'option --wait-server'],
    })
  })
})

describe('post', () => {
  test('[CMD11a] sends fields as text or JSON over --data; the answer to stdout, Event-Id to stderr', async () => {
    const data = '{"title":"below","priority":"high"}'
    const words = ['/boards/:id/cards', 'id=b', 'title=Hello=you', 'labels:=["bug"]', '--data', data]
    const { code, stdout, stderr } = await run(['post', ...words])
    expect([code, stderr]).toEqual([0, `Event-Id: ${(await hub.ask('GET', '/cursor')).cursor}\n`])
    const card = JSON.parse(stdout)
    expect(card).toMatchObject({ boardId: 'b', title: 'Hello=you', labels: ['bug'], priority: 'high' })
    const patched = await run(['post', `/api/v1/cards/${card.id}`, '--method', 'PATCH', 'title=Changed', '-q'])
    expect([patched.stderr, JSON.parse(patched.stdout).title]).toEqual(['', 'Changed'])
    const deleted = await run(['post', `/cards/${card.id}`, '--method', 'DELETE', 'ifRevision:=2'])
    expect([deleted.code, deleted.stdout]).toEqual([0, ''])
  })

  test('[CMD11a] a refusal is 1 with every faulty field; the same key is one request', async () => {
    const [refused, wrong, none] = await Promise.all([
      run(['post', '/boards/b/cards', 'title=', 'priority=huge']),
      run(['post', '/boards/b/cards', 'labels:=[bug']),
      run(['post', '/boards/:id/cards', 'title=x']),
    ])
    expect([refused.code, wrong.code, none.code]).toEqual([1, 2, 2])
    expect(refused.stderr).toMatch(/was refused \(422\).*title: .*priority: /)
    expect(none.stderr).toContain('the path needs id')
    const twice = ['post', '/boards/b/cards', 'title=once', '--idempotency-key', 'k1']
    const answers = [await run(twice), await run(twice)]
    expect(answers[0]).toEqual(answers[1])
    await using busy = await startStub([{ status: 503 }])
    expect((await run(['post', '/boards', '--url', busy.url, '--timeout', '1s'])).code).toBe(5)
    expect(new Set(busy.asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
    expect(busy.asked.length).toBeGreaterThan(1)
  })

  test('[CMD11b] OPERATION: fields fill the path, then the query, then the body, over --data', async () => {
    const data = '{"title":"below","priority":"high"}'
    const created = await run(['post', 'createCard', 'boardId=b', 'title=Hello', 'labels:=["bug"]', '--data', data])
    expect([created.code, created.stderr]).toEqual([0, `Event-Id: ${(await hub.ask('GET', '/cursor')).cursor}\n`])
    const card = JSON.parse(created.stdout)
    expect(card).toMatchObject({ boardId: 'b', title: 'Hello', labels: ['bug'], priority: 'high' })
    const patched = await run(['post', 'updateCard', `cardId=${card.id}`, 'title=Changed', 'ifRevision:=1'])
    expect(JSON.parse(patched.stdout)).toMatchObject({ title: 'Changed', revision: 2 })
    const read = await run(['post', 'getCard', `cardId=${card.id}`])
    expect(JSON.parse(read.stdout)).toEqual(JSON.parse(patched.stdout))
    // In the query, since a DELETE has no body.
    const stale = await run(['post', 'deleteCard', `cardId=${card.id}`, 'ifRevision=1'])
    expect([stale.code, stale.stderr]).toEqual([1, expect.stringContaining('refused (409)')])
    expect(await run(['post', 'deleteCard', `cardId=${card.id}`, 'ifRevision=2'])).toMatchObject({
      code: 0,
      stdout: '',
    })
  })

  test('[CMD11b] the nearest known name for an operation or a field; what it needs; nothing is sent', async () => {
    await using stub = await startStub([{ status: 200 }])
    const wrong = (...words: string[]) => run(['post', '--url', stub.url, ...words])
    const [operation, field, missing, none, twice, method, body, stream] = await Promise.all([
      wrong('creatCard', 'boardId=b'),
      wrong('createCard', 'boardId=b', 'tilte=x'),
      wrong('createCard', 'title=x'),
      wrong(),
      wrong('createCard', 'boardId=b', 'title=x', 'title=y'),
      wrong('updateCard', 'cardId=c', '--method', 'POST'),
      wrong('deleteCard', 'cardId=c', '--data', '{}'),
      wrong('openStream'),
    ])
    const all = [operation, field, missing, none, twice, method, body, stream]
    expect(all.map(({ code }) => code)).toEqual(Array(8).fill(2))
    expect(operation.stderr).toContain('there is no operation creatCard. Did you mean createCard?')
    expect(field.stderr).toContain('createCard has no field tilte. Did you mean title? It takes boardId, ')
    expect(missing.stderr).toContain('createCard needs boardId: add boardId=VALUE')
    expect(twice.stderr).toContain('title is given twice')
    expect(method.stderr).toContain('updateCard is a PATCH')
    expect(stream.stderr).toContain('use boardcast tail')
    expect(stub.asked).toEqual([])
  })

  test('[CMD11b] a refusal has every faulty field, and how to write JSON', async () => {
    const { code, stderr } = await run(['post', 'createCard', 'boardId=b', 'title=', 'labels=["bug"]'])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /was refused \(422\).*title: .*labels: .* labels was sent as text: for JSON write labels:=\["bug"\]/,
    )
  })

  test('[CMD11c] --list: every operation with method, path and the events that it emits', async () => {
    const { code, stdout } = await run(['post', '--list'], { BOARDCAST_URL: 'http://127.0.0.1:1' })
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(code).toBe(0)
    const declared = declaredRoutes().map(({ operationId }) => operationId)
    expect(lines.map(({ operation }) => operation).sort()).toEqual(declared.sort())
    expect(lines.find(({ operation }) => operation === 'createCard')).toMatchObject({
      ...{ method: 'POST', path: '/boards/{boardId}/cards', emits: ['card.created', 'card.assigned'] },
    })
    const pretty = await run(['post', '--list', '--format', 'pretty'])
    expect(pretty.stdout).toMatch(/^createCard +POST +\/boards\/\{boardId\}\/cards {2}card\.created card\.assigned$/m)
  })
})
