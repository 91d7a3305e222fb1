/**
 * A scenario of `boardcast expect` in which every event type of the catalogue comes: for a new type, add a line to
 * everything.yaml. Rules CMD38d and CMD38e of docs/testing.md.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { catalogue } from '../../shared/src/catalogue.ts'
import { startServer } from '../../src/testing/index.ts'
import { boardcast } from '../cli/support/program.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TYPES = Object.keys(catalogue)

let folder: string
let file: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-everything-'))
  file = join(folder, 'coverage.jsonl')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const program = boardcast(args, { GITHUB_ACTIONS: '', GITHUB_STEP_SUMMARY: '', ...env }, { cwd: ROOT })
  const code = await program.ended
  return { code, stdout: program.stdout().toString(), stderr: program.stderr() }
}

test('[CMD38d] the scenario is met, and covers every event type of the catalogue', async () => {
  const { url } = await startServer()
  const env = { BOARDCAST_URL: url, BOARDCAST_COVERAGE: file }
  const judged = await run(['expect', '--file', 'tests/everything/everything.yaml'], env)
  expect(judged).toEqual({ code: 0, stdout: '', stderr: expect.stringMatching(/^MET after .*; CMD exited 0\n$/m) })
  const { code, stdout } = await run(['schema', '--coverage', file])
  expect(JSON.parse(stdout)).toEqual({ covered: TYPES, missing: [] })
  expect(code).toBe(0)
})

test('[CMD38e] a type that is not covered is named, with exit code 1', async () => {
  const partial = join(folder, 'partial.jsonl')
  writeFileSync(partial, readFileSync(file, 'utf8').replace('"card.moved",', ''))
  const missing = await run(['schema', '--coverage', partial])
  expect(missing.code).toBe(1)
  expect(JSON.parse(missing.stdout)).toMatchObject({ missing: ['card.moved'] })
  expect(missing.stderr).toBe(`boardcast: 1 of ${TYPES.length} event types are not covered.\n`)
  const shown = await run(['schema', '--coverage', partial, '--format', 'pretty'])
  expect(shown.stdout).toMatch(/^covered \d+\n {2}board\.created\n(.*\n)*missing 1\n {2}card\.moved\n$/)
})

test('[CMD38e] a file that cannot be read, or that is another one, is a usage error', async () => {
  const [absent, other, both] = await Promise.all([
    run(['schema', '--coverage', join(folder, 'none')]),
    run(['schema', '--coverage', 'package.json']),
    run(['schema', 'card.moved', '--coverage', file]),
  ])
  expect([absent.code, other.code, both.code]).toEqual([2, 2, 2])
  expect(absent.stderr).toContain('ENOENT')
  expect(other.stderr).toContain('package.json:1 is not {"by","covered"}')
})
