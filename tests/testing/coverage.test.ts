/** Which event types tests and `boardcast expect` have covered. Rule CMD38c of docs/testing.md. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { catalogue } from '../../shared/src/catalogue.ts'
import { appendCoverage, readCoverage } from '../../src/expect/coverage/coverage-file.ts'
import { typesShown } from '../../src/expect/coverage/event-types.ts'
import { contractCoverage, openStream, startServer, type TestServer } from '../../src/testing/index.ts'
import { boardcast } from '../cli/support/program.ts'

let folder: string
let file: string
let server: TestServer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-coverage-'))
  file = join(folder, 'coverage.jsonl')
  process.env.BOARDCAST_COVERAGE = file
  server = await startServer()
  await server.api.post('/boards', { id: 'demo', name: 'Demo' })
})
afterAll(() => {
  delete process.env.BOARDCAST_COVERAGE
  rmSync(folder, { recursive: true, force: true })
})

test('[CMD38c] events that met an expectation are covered, others are not', async () => {
  const stream = await openStream(server.url, { board: 'demo' })
  const card = await server.api.post('/boards/demo/cards', { title: 'Hello' })
  await server.api.patch(`/cards/${card.id}`, { stage: 'TODO' })
  await server.api.post(`/cards/${card.id}/move`, { columnKey: 'review' })
  await server.api.delete(`/cards/${card.id}`)
  await expect(stream).not.toReceiveEvent({ type: 'card_created', data: { card: { title: 'Bye' } } }, { within: 0 })
  await expect(expect(stream).toReceiveEvent({ type: 'card_moved', count: 2 }, { within: 0 })).rejects.toThrow()
  expect(contractCoverage().covered).toEqual([])
  await expect(stream).toReceiveEvent({ type: 'card_deleted' })
  await stream.next({ type: 'card_moved' })
  expect(contractCoverage().covered).toEqual(['card.moved', 'card.deleted'])
  // Three types show under this name.
  await expect(stream).toReceiveEvent({ type: 'card_updated' })
  expect(contractCoverage().covered).toEqual(['card.moved', 'card.deleted', 'card.stage.changed'])
  await expect(stream).toMatchContract()
  const { covered, missing } = contractCoverage()
  expect(covered).toEqual(['card.created', 'card.moved', 'card.deleted', 'card.stage.changed'])
  expect([...covered, ...missing].sort()).toEqual(Object.keys(catalogue).sort())
  expect([...readCoverage(file)].sort()).toEqual([...covered].sort())
})

test('[CMD38c] `expect` appends to the same file', async () => {
  const since = (await server.api.get<{ cursor: string }>('/cursor')).cursor
  await server.api.post('/topics/deploys/events', { event: 'deploy.started', data: {} })
  const card = await server.api.post('/boards/demo/cards', { title: 'Hello' })
  await server.api.patch(`/cards/${card.id}`, { stage: 'TODO' })
  const own = join(folder, 'expect.jsonl')
  const args = ['expect', '--url', server.url, '--since', since, '--order', 'any', '--type', 'deploy.started']
  const program = boardcast([...args, '--type', 'card.stage.*', '--absent', 'card.deleted', '--type', 'card.moved'], {
    BOARDCAST_COVERAGE: own,
  })
  expect(await program.ended).toBe(1)
  expect([...readCoverage(own)].sort()).toEqual(['card.stage.changed', 'topic.event'])
})

test('[CMD38c] the file is read whatever wrote it, and what is not of its format is named', () => {
  const own = join(folder, 'own.jsonl')
  appendCoverage(own, { by: 'a', covered: ['card.created'] })
  appendCoverage(own, { by: 'b', covered: ['card.created', 'card.moved'] })
  expect([...readCoverage(own)]).toEqual(['card.created', 'card.moved'])
  appendCoverage(own, { by: 'c', covered: 'card.moved' } as never)
  expect(() => readCoverage(own)).toThrow(`${own}:3 is not {"by","covered"}`)
})

test.each([
  ['board:demo', 'card_moved', ['card.moved']],
  ['board:demo', 'card.moved', []],
  ['board:demo', 'attempt_status', ['attempt.queued', 'attempt.status.changed']],
  ['global', 'card.moved', ['card.moved']],
  ['*', 'agent_registered', ['agent.registered']],
  ['topic:reviews', 'message.new', ['message.new']],
  ['topic:deploys', 'deploy.started', ['topic.event']],
  ['global', 'hello', []],
])('[CMD38c] on %s, %s is %j', (channel, event, types) => {
  expect(typesShown({ channel, event, data: {}, id: '', timestamp: 0 })).toEqual(types)
})
