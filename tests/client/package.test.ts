/**
 * The library as it is published, in dist/client after `npm run build`.
 *
 * CP1  The part of `boardcast/client` that is loaded at once has at most 8 KB compressed, without zod; schemas are loaded only
 *      with `validate`.
 * CP2  A user's program compiles against the types, with bundler and Node resolution, and payloads have types.
 * CP3  The built files work in Node.
 * CP4  Bundlers remove what is not used.
 */
import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeBoard, makeCard } from '../support/board.ts'
import { startTestServer } from '../support/server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BUILT = join(ROOT, 'dist/client')
const MAX_BYTES = 8 * 1024

let elsewhere: string

beforeAll(() => {
  elsewhere = mkdtempSync(join(tmpdir(), 'boardcast-user-'))
  const modules = join(elsewhere, 'node_modules')
  mkdirSync(modules)
  symlinkSync(ROOT, join(modules, 'boardcast'))
  for (const name of ['preact', 'react', '@types']) symlinkSync(join(ROOT, 'node_modules', name), join(modules, name))
  writeFileSync(join(elsewhere, 'package.json'), '{"type":"module"}')
})

afterAll(() => rmSync(elsewhere, { recursive: true, force: true }))

/** A file and all its static imports. */
function closureOf(file: string, found: string[] = []): string[] {
  if (found.includes(file)) return found
  found.push(file)
  const text = readFileSync(file, 'utf8')
  for (const [, path = ''] of text.matchAll(/(?:from|import)\s*["'`](\.[^"'`]+)["'`]/g))
    closureOf(join(dirname(file), path), found)
  return found
}

test('[CP1] the part that is loaded at once is small, and contains no schemas', () => {
  const files = closureOf(join(BUILT, 'client.js'))
  const bytes = files.reduce((sum, file) => sum + gzipSync(readFileSync(file), { level: 9 }).length, 0)
  expect(bytes).toBeLessThanOrEqual(MAX_BYTES)
  expect(files.filter((file) => /from\s*["'`]zod/.test(readFileSync(file, 'utf8')))).toEqual([])
  const chunks = readdirSync(join(BUILT, 'chunks')).filter((name) => name.endsWith('.js'))
  const withZod = chunks.filter((name) => /from\s*["'`]zod/.test(readFileSync(join(BUILT, 'chunks', name), 'utf8')))
  expect(withZod.map((name) => name.split('-')[0])).toEqual(['payloads'])
  for (const entry of ['preact.js', 'react.js']) {
    for (const file of closureOf(join(BUILT, entry)))
      expect(readFileSync(file, 'utf8')).not.toMatch(/from\s*["'`](zod|preact\/compat)/)
  }
})

test.each(['bundler', 'nodenext'])('[CP2] types, with moduleResolution %s', (moduleResolution) => {
  writeFileSync(
    join(elsewhere, 'user.ts'),
    `
    import { createClient, type Frame, type Status } from 'boardcast/client'
    import { useKanbanSSE } from 'boardcast/preact'
    import { useConnection } from 'boardcast/react'
    const hub = createClient({ baseUrl: 'http://127.0.0.1:3000', auth: async () => 'token' })
    const status: Status = hub.status.get()
    hub.subscribe({ channels: ['board:demo'], types: ['card_moved'] }, {
      event(frame) {
        const index: number = frame.data.toIndex
        // @ts-expect-error: no such field
        console.log(index, frame.data.toindex)
      },
    })
    hub.subscribe({ channels: ['topic:t'] }, { event: (frame: Frame) => console.log(frame.data, status.phase) })
    for await (const { id } of hub.subscribe({ channels: ['global'] })) console.log(id.length)
    // @ts-expect-error: not a number
    hub.board(7)
    console.log(useKanbanSSE, useConnection)
    `,
  )
  const options = {
    compilerOptions: {
      target: 'es2022',
      lib: ['es2022', 'dom', 'dom.iterable'],
      module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext',
      moduleResolution,
      strict: true,
      skipLibCheck: true,
      noEmit: true,
      types: [],
    },
    files: ['user.ts'],
  }
  writeFileSync(join(elsewhere, 'tsconfig.json'), JSON.stringify(options))
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  try {
    execFileSync(tsc, ['-p', elsewhere], { encoding: 'utf8' })
  } catch (error) {
    expect((error as { stdout: string }).stdout).toBe('')
  }
})

test('[CP3] in Node', async () => {
  await using server = await startTestServer()
  const board = await makeBoard(server)
  const card = await makeCard(server, board.id)
  writeFileSync(
    join(elsewhere, 'user.js'),
    `
    import { createClient } from 'boardcast/client'
    const hub = createClient({ baseUrl: '${server.url}', validate: 'strict' })
    for await (const frame of hub.subscribe({ channels: ['board:${board.id}'], since: 'earliest' })) {
      console.log(frame.event, frame.id, hub.status.get().invalid)
      if (frame.event === 'card_created') break
    }
    hub.close()
    `,
  )
  const { stdout } = await promisify(execFile)(process.execPath, ['user.js'], { cwd: elsewhere, timeout: 30_000 })
  expect(stdout.trim().split('\n').at(-1)).toBe(`card_created ${card.eventId} 0`)
})

test('[CP4] unused imports can be removed', async () => {
  writeFileSync(
    join(elsewhere, 'empty.js'),
    `import 'boardcast/client'\nimport { createClient } from 'boardcast/client'\nconsole.log('mine')\n`,
  )
  const result = await build({
    root: elsewhere,
    configFile: false,
    logLevel: 'silent',
    build: { write: false, rollupOptions: { input: join(elsewhere, 'empty.js') } },
  })
  const [output] = Array.isArray(result) ? result : [result]
  if (!output || !('output' in output)) throw new Error('nothing was built')
  const [entry] = output.output
  expect(entry.code).toContain('mine')
  expect(entry.code.length).toBeLessThan(1_500)
  expect(entry.imports).toEqual([])
})
