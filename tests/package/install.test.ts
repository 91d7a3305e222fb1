/**
 * The package that `npm pack` makes, installed by npm into an empty project.
 *
 * By default on the Node at hand, with the driver of SQLite that this repository has: npm runs no scripts of packages, so
 * nothing is compiled. BOARDCAST_TEST_NODES=20,22,24 installs these versions of Node from npm, and the package with all its
 * scripts on each; that takes some minutes, and a C++ compiler and Python where there is no prebuilt driver.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { MANIFEST, type Packed, pack, ROOT, Workplace } from '../support/package.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })

const DRIVER = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node'
/** The names in `import … from "name"`, `export … from "name"`, `import "name"` and `import("name")`. */
const IMPORTED =
  /(?:(?:^|;)(?:import|export)\b[^"'`;]*?\bfrom|(?:^|;)import|\bimport\()\s*["'`]([^"'`.\s][^"'`\s]*)["'`]/gm
const MAX_UNPACKED_BYTES = 8 * 1024 * 1024

let folder: string
let packed: Packed
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-package-'))
  packed = pack(folder)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const MODULES = Object.keys(MANIFEST.exports)
  .filter((name) => name !== './package.json')
  .map((name) => name.replace('.', 'boardcast'))
  // For tests that run in vitest.
  .filter((name) => name !== 'boardcast/testing')
const GUIDE = readFileSync(join(ROOT, 'docs/testing.md'), 'utf8')

test('[OPS20] it has what users need, no sources and no tests, and is small', () => {
  const paths = packed.files.map(({ path }) => path)
  const folders = new Set(paths.map((path) => path.split('/')[0]))
  expect([...folders].sort()).toEqual(['README.md', 'deploy', 'dist', 'docs', 'examples', 'package.json'])
  expect(paths.filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts'))).toEqual([])
  const entries = Object.values(MANIFEST.exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : [entry.types, entry.default],
  )
  const promised = [...entries, './dist/cli.js', './dist/web/index.html'].map((path) => path.slice(2))
  expect(promised.filter((path) => !paths.includes(path))).toEqual([])
  expect(packed.unpackedSize).toBeLessThan(MAX_UNPACKED_BYTES)
})

test('[OPS20] what is built imports nothing but its dependencies', () => {
  const { dependencies, optionalDependencies, peerDependencies } = MANIFEST
  const known = new Set(Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }))
  const scripts = packed.files.map(({ path }) => path).filter((path) => /^dist\/(?!web\/).*\.js$/.test(path))
  expect(scripts.length).toBeGreaterThan(10)
  const imported = scripts.flatMap((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8')
    const names = [...text.matchAll(IMPORTED)].map(([, name]) => name)
    return names.map((name = '') =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    )
  })
  expect(imported).toContain('better-sqlite3')
  expect([...new Set(imported)].filter((name) => !isBuiltin(name) && !known.has(name))).toEqual([])
})

/** What a user does first with the package, in a project that has it. */
async function tryOut(project: Workplace): Promise<void> {
  const manifest = JSON.parse(project.read('node_modules/boardcast/package.json'))
  expect(await project.bash('npx boardcast --version')).toEqual({
    code: 0,
    stdout: `${manifest.version}\n`,
    stderr: '',
  })
  const script = `
npx boardcast serve &
npx boardcast wait server --timeout 30s --quiet
npx boardcast expect --type card.created --where card.title=Hello -- \\
  npx boardcast run --board demo --title Hello -- echo done
page=$(curl -sf -H 'Accept: text/html' "http://127.0.0.1:$PORT/boards/demo")
for file in $(grep -o 'assets/[^"]*' <<<"$page"); do
  echo "$file $(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$PORT/$file")"
done`
  const ending = await project.bash(script)
  expect(ending).toMatchObject({ code: 0, stderr: expect.stringContaining('MET after') })
  expect(ending.stdout).toMatch(/^assets\/.*\.js 200$/m)
  expect(ending.stdout).not.toMatch(/^assets\/.* (?!200$)\d+$/m)

  const imports = MODULES.map((name, index) => `import * as m${index} from '${name}'`)
  const counts = MODULES.map((_, index) => `Object.keys(m${index}).length > 0`)
  project.write('user.mjs', `${imports.join('\n')}\nconsole.log(${counts.join(', ')})\n`)
  expect(await project.run('node', ['user.mjs'])).toEqual({
    code: 0,
    stdout: `${MODULES.map(() => 'true').join(' ')}\n`,
    stderr: '',
  })

  project.write('example.test.ts', /```ts\n(import [\s\S]*?)```/.exec(GUIDE)?.[1] ?? '')
  const tested = await project.run('node', ['node_modules/vitest/vitest.mjs', 'run', '--testTimeout=60000'])
  expect(tested).toMatchObject({ code: 0, stdout: expect.stringMatching(/Tests .*1 passed/) })
}

/** What a project brings that uses the hooks. */
function linkFrameworks(project: Workplace): void {
  for (const name of Object.keys(MANIFEST.peerDependencies)) {
    const target = join(project.folder, 'node_modules', name)
    mkdirSync(dirname(target), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules', name), target)
  }
}

test('[OPS20] [OPS21] it works in an empty project, and brings no peer dependency', async () => {
  using project = new Workplace(join(folder, 'project'), { PORT: String(await freePort()) })
  project.write('package.json', '{"private":true}')
  const installed = await project.run('npm', ['install', '--prefer-offline', '--ignore-scripts', packed.tarball])
  expect(installed).toMatchObject({ code: 0 })
  const modules = readdirSync(join(project.folder, 'node_modules'))
  expect(modules.filter((name) => name in MANIFEST.peerDependencies)).toEqual([])
  mkdirSync(dirname(join(project.folder, DRIVER)), { recursive: true })
  cpSync(join(ROOT, DRIVER), join(project.folder, DRIVER))
  linkFrameworks(project)
  await tryOut(project)
})

const versions = process.env.BOARDCAST_TEST_NODES?.split(',').filter(Boolean) ?? []

test.each(versions)('[OPS20] it installs and works on Node %s', { timeout: 900_000 }, async (version) => {
  const node = new Workplace(join(folder, `node-${version}`))
  node.write('package.json', '{"private":true}')
  const name = `node-linux-${process.arch}`
  expect(await node.run('npm', ['install', '--ignore-scripts', `${name}@${version}`])).toMatchObject({ code: 0 })
  const home = join(node.folder, 'node_modules', name)
  using project = new Workplace(join(folder, `project-${version}`), {
    PATH: `${join(home, 'bin')}:${process.env.PATH}`,
    PORT: String(await freePort()),
    // The headers of this Node, for where the driver is compiled.
    npm_config_nodedir: home,
  })
  project.write('package.json', '{"private":true,"allowScripts":{"better-sqlite3":true}}')
  const { stdout } = await project.bash('node --version')
  expect(stdout).toMatch(new RegExp(`^v${version}\\.`))
  expect(await project.run('npm', ['install', '--prefer-offline', packed.tarball])).toMatchObject({ code: 0 })
  linkFrameworks(project)
  await tryOut(project)
})
