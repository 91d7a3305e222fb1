// RUN18  If one way to create pipes fails, another is used; if all fail, `run` reports why.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test, vi } from 'vitest'
import { openNamed, openOutputPipes, openUnnamed } from '../../src/cli/run/pipes.ts'

afterEach(() => void vi.unstubAllEnvs())

const closed = () => {
  throw new Error('not here')
}

test.each([
  ['unnamed', openUnnamed],
  ['named', openNamed],
])('[RUN18] %s pipes carry a program’s output, can be opened by path, and end with the program', async (_, open) => {
  const folder = mkdtempSync(join(tmpdir(), 'boardcast-cli-test-'))
  vi.stubEnv('TMPDIR', folder)
  const { pipes } = await openOutputPipes([closed, open])
  if (pipes === undefined) throw new Error('no pipes')
  expect(readdirSync(folder)).toEqual([])
  const script = 'echo out > /dev/stdout; echo err > /dev/stderr; head -c 1000000 /dev/zero'
  const child = spawn('sh', ['-c', script], { stdio: ['ignore', pipes.stdout.writeFd, pipes.stderr.writeFd] })
  await once(child, 'spawn')
  closeSync(pipes.stdout.writeFd)
  closeSync(pipes.stderr.writeFd)
  const [stdout, stderr] = await Promise.all([text(pipes.stdout.source), text(pipes.stderr.source)])
  expect([stdout.slice(0, 4), stdout.length, stderr]).toEqual(['out\n', 1_000_004, 'err\n'])
})

test('[RUN18] when every way fails: no pipes, and the reasons', async () => {
  vi.stubEnv('TMPDIR', '/nonexistent')
  const { pipes, failure } = await openOutputPipes([closed, openNamed])
  expect(pipes).toBeUndefined()
  expect(failure).toMatch(/^not here; ENOENT.*nonexistent/)
})
