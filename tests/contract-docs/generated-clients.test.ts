/** Clients that two generators write from the contract, compiled strictly, against a running server. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { blocksOf, blockUnder } from '../support/markdown.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PROGRAMS = join(ROOT, 'tests/contract-docs/generated')
const MODULES = join(ROOT, 'node_modules')
const DOCUMENTED = '127.0.0.1:3000'
const blocks = blocksOf('docs/contract.md')
const execute = promisify(execFile)

const STRICTEST = {
  target: 'es2023',
  lib: ['es2023', 'dom', 'dom.iterable'],
  module: 'nodenext',
  types: ['node'],
  strict: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  skipLibCheck: false,
  rootDir: '.',
  outDir: 'dist',
}

/** `programs`: the beginning of the names of our programs; `types`: the generated file with the types. */
const GENERATORS = [
  { name: 'openapi-typescript', programs: 'fetch', types: 'boardcast.d.ts', exactOptionalPropertyTypes: true },
  // What it generates to make requests does not compile with it.
  { name: '@hey-api/openapi-ts', programs: 'sdk', types: 'boardcast/types.gen.ts', exactOptionalPropertyTypes: false },
] as const

let server: TestServer
let folder: string
beforeAll(async () => {
  server = await startTestServer()
  folder = mkdtempSync(join(tmpdir(), 'boardcast-generated-'))
  const columns = [
    { title: 'To do', key: 'todo' },
    { title: 'Done', key: 'done' },
  ]
  await server.post('/boards', { id: 'demo', name: 'Demo', columns })
  await Promise.all(GENERATORS.map(prepare))
}, 120_000)
afterAll(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

/** In place of npx, which could ask the network: the installed programs, whose versions are those of the commands. */
const NPX = `npx() {
  while [ "$1" = -p ]; do shift 2; done
  local program=\${1%@*}; shift
  NODE_OPTIONS="--import=${pathToFileURL(join(PROGRAMS, 'typescript-5.js'))}" "node_modules/.bin/$program" "$@"
}
`

/** Runs the documented commands. */
async function generate(commands: string, cwd: string): Promise<void> {
  await execute('bash', ['-euc', NPX + commands.replaceAll(DOCUMENTED, `127.0.0.1:${server.port}`)], { cwd })
}

/** What the compiler says about the programs and all that they import. It writes JavaScript to `dist`. */
async function compile(cwd: string): Promise<string> {
  const tsc = join(MODULES, 'typescript/bin/tsc')
  const { stdout } = await execute(process.execPath, [tsc, '-p', cwd], { cwd }).catch((error) => error)
  return stdout
}

/** Generates a client, and compiles it with our programs and that of the document. */
async function prepare({ name, programs, exactOptionalPropertyTypes }: (typeof GENERATORS)[number]): Promise<void> {
  const project = join(folder, programs)
  mkdirSync(project)
  symlinkSync(MODULES, join(project, 'node_modules'))
  const compilerOptions = { ...STRICTEST, exactOptionalPropertyTypes }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ type: 'module' }))
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
  const documented = blockUnder(blocks, name, 'ts').replaceAll(DOCUMENTED, `127.0.0.1:${server.port}`)
  writeFileSync(join(project, 'documented.ts'), documented)
  for (const program of ['story', 'wrong']) {
    copyFileSync(join(PROGRAMS, `${programs}-${program}.ts`), join(project, `${program}.ts`))
  }
  await generate(blockUnder(blocks, name, 'sh'), project)
  // Every line of `wrong.ts` that is marked as an error has to be one, or the mark is an error itself.
  expect(await compile(project)).toBe('')
}

/** Runs the program of the document until it has shown a card that moves. */
async function runDocumented(program: string): Promise<string[]> {
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    printed += piece
  })
  try {
    await vi.waitFor(() => expect(printed).toContain('\n'), 20_000)
    const card = await server.post<{ id: string }>('/boards/demo/cards', { title: 'Moves' })
    let isDone = false
    await vi.waitFor(
      async () => {
        // Until the stream is open nobody sees it.
        isDone = !isDone
        await server.post(`/cards/${card.id}/move`, { columnKey: isDone ? 'done' : 'todo', index: 0 })
        expect(printed).toContain('card_moved')
      },
      { timeout: 20_000, interval: 100 },
    )
  } finally {
    const ended = once(child, 'exit')
    child.kill()
    await ended
  }
  return printed.split('\n')
}

describe.each(GENERATORS)('$name', ({ name, programs, types }) => {
  const project = () => join(folder, programs)

  it('[CON7a] generates types with the names of the contract', () => {
    const text = readFileSync(join(project(), types), 'utf8')
    const names = [...text.matchAll(/^export type (\w+)/gm)].map(([, type]) => type)
    const expected = ['Board', 'NewBoard', 'Card', 'NewCard', 'CardEdit', 'Attempt', 'LogPage', 'Problem']
    expect(names).toEqual(expect.arrayContaining([...expected, 'CardMoved', 'GlobalCardMoved', 'Envelope']))
    expect(names.filter((type) => /\d$/.test(type ?? ''))).toEqual([])
  })

  it('[CON20e] the commands name the version that is tested', () => {
    const { version } = JSON.parse(readFileSync(join(MODULES, name, 'package.json'), 'utf8'))
    expect(blockUnder(blocks, name, 'sh')).toContain(` ${name}@${version} `)
  })

  it('[CON20e] a program with the generated client works, and its stream has typed events', async () => {
    const { stdout } = await execute(process.execPath, [join(project(), 'dist/story.js'), server.url], {
      timeout: 30_000,
    })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { event: 'hello', resumed: 'false' },
      { title: 'Try the client', priority: 'high' },
      { count: 2, lines: ['info one', 'warn two'] },
      { code: 'stale_revision', status: 409 },
      { event: 'card_moved', isOurs: 'true', revision: 1 },
      { event: 'attempt_log', message: 'one' },
      { event: 'attempt_log', message: 'two' },
    ])
  })

  it('[CON20e] the program of the document works as it stands', async () => {
    const printed = await runDocumented(join(project(), 'dist/documented.js'))
    expect(printed[0]).toMatch(/^[A-Z]+-\d+$/)
    expect(printed[1]).toBe('card_moved 0')
  })
})
