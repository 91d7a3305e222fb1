/**
 * `boardcast/testing` as it is published, in the project of a user. Rules CMD36a and CMD36b of docs/testing.md.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCoverage } from '../../src/expect/coverage/coverage-file.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const GUIDE = readFileSync(join(ROOT, 'docs/testing.md'), 'utf8')

let project: string
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'boardcast-user-'))
  mkdirSync(join(project, 'node_modules'))
  mkdirSync(join(project, 'temporary'))
  symlinkSync(ROOT, join(project, 'node_modules/boardcast'))
  for (const name of ['vitest', '@types'])
    symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name))
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
})
afterAll(() => rmSync(project, { recursive: true, force: true }))

async function run(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [...command], { cwd: project, env: { ...process.env, VITEST: '', ...env } })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  }
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { code, printed }
}

test('[CMD36a] [CMD36b] the example of the guide passes, and everything ends with its test', async () => {
  const example = /```ts\n(import [\s\S]*?)```/.exec(GUIDE)?.[1] ?? ''
  writeFileSync(join(project, 'example.test.ts'), example)
  writeFileSync(
    join(project, 'lifetimes.test.ts'),
    `
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { contractCoverage, openStream, startServer, type TestServer } from 'boardcast/testing'
let all: TestServer
const each: TestServer[] = []
describe('a group', () => {
  beforeAll(async () => { all = await startServer() })
  beforeEach(async () => { each.push(await startServer()) })
  test('one', async () => {
    await Promise.all([all, ...each].map(({ api }) => api.post('/boards', { id: 'demo', name: 'Demo' })))
    await openStream(all.url)
    expect(contractCoverage()).toEqual({ covered: [], missing: expect.arrayContaining(['card.moved']) })
  })
  test('two', async () => {
    await expect(fetch(each[0]?.url ?? '')).rejects.toThrow()
    expect(await all.api.get('/boards/demo')).toBeDefined()
  })
})
`,
  )
  const { code, printed } = await run(['node_modules/vitest/vitest.mjs', 'run', '--testTimeout=60000'], {
    BOARDCAST_COVERAGE: 'coverage.jsonl',
    TMPDIR: join(project, 'temporary'),
  })
  expect([code, printed]).toEqual([0, expect.stringMatching(/Tests .*3 passed/)])
  expect(readdirSync(join(project, 'temporary')).filter((name) => name.startsWith('boardcast-'))).toEqual([])
  expect([...readCoverage(join(project, 'coverage.jsonl'))].sort()).toEqual(['card.created', 'card.moved'])
})

test('[CMD36a] its types are complete with the strictest settings', async () => {
  writeFileSync(
    join(project, 'types.test.ts'),
    `
import { expect, test } from 'vitest'
import { ApiError, contractCoverage, type Envelope, type EventPattern, openStream, startServer } from 'boardcast/testing'
test('types', async () => {
  const { api, url, restart, stop } = await startServer({ env: { BOARDCAST_JWT_SECRET: 's' } })
  const { id, title } = await api.post('/boards/demo/cards', { title: 'Hello' })
  const text: string = id
  // @ts-expect-error: unknown, unless its type is given
  const wrong: string = title
  const { title: known } = await api.get<{ title: string }>('/cards/1')
  const stream = await openStream(url, { board: 'demo', types: ['card_*'], since: 'x', transport: 'ws' })
  const pattern: EventPattern = { type: 'card_moved', count: '1..3', data: { cardId: expect.any(String) } }
  const event: Envelope = await stream.next(pattern, { within: 5 })
  stream.mark()
  const checks: Promise<void>[] = [
    expect(stream).toReceiveEvent({ type: 'of.my.own', count: 2 }),
    expect(stream).toReceiveEvents([pattern, { type: 'card.moved' }], { order: 'any', within: 5 }),
    expect(stream).not.toBeGapFree(),
    expect(stream).toMatchContract(),
  ]
  // @ts-expect-error: no such order
  await expect(stream).toReceiveEvents([], { order: 'some' })
  // @ts-expect-error: a pattern has a type
  await expect(stream).toReceiveEvent({ data: {} })
  // @ts-expect-error: no such count
  await expect(stream).toReceiveEvent({ type: 'card_moved', count: 'two' })
  const covered: readonly string[] = contractCoverage().covered
  console.log(text, wrong, known, event.data, checks, covered, stream.events.length, restart, stop, ApiError)
})
`,
  )
  for (const moduleResolution of ['bundler', 'nodenext']) {
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          ...{ target: 'es2022', module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext', moduleResolution },
          ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
          ...{ noPropertyAccessFromIndexSignature: true, noUnusedLocals: true, noImplicitOverride: true },
          ...{ skipLibCheck: true, noEmit: true, types: [] },
        },
        include: ['*.test.ts'],
      }),
    )
    expect(await run([join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'])).toEqual({ code: 0, printed: '' })
  }
})
