/**
 * Tokens of the command line, against a real server with rights on.
 *
 * RUN23  `--token`, `--token @FILE` and BOARDCAST_TOKEN; a file is read again after a 401; 401 and 403 are 4; no output
 *        contains a token.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Card } from '../../shared/src/types/kanban.ts'
import { tokenFrom } from '../../src/cli/api/token.ts'
import { CommandError } from '../../src/cli/process/exit.ts'
import type { TestServer } from '../support/server.ts'
import { actingAs, SECRET, sign, startServerWithRights, tokenFor } from '../support/tokens.ts'
import { boardcast } from './support/program.ts'

const OTHER_SECRET = 'another secret of these tests, longer than 32 bytes'

let server: TestServer
let folder: string
let everything: string

beforeAll(async () => {
  server = await startServerWithRights()
  folder = mkdtempSync(join(tmpdir(), 'boardcast-token-'))
  everything = await tokenFor(['*'], ['*'], { sub: 'ci' })
})

afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

function fileWith(text: string): string {
  const path = join(folder, `token-${Math.random()}`)
  writeFileSync(path, text)
  return path
}

async function run(token: readonly string[], env: Record<string, string> = {}, board = 'demo') {
  const command = ['run', '--url', server.url, '--board', board, '--title', 'Nightly', ...token]
  const program = boardcast([...command, '--', process.execPath, '-e', 'console.log("worked")'], env)
  const code = await program.ended
  return { code, stdout: program.stdout().toString(), stderr: program.stderr() }
}

describe('[RUN23] where it comes from', () => {
  test('the option, a file, the variable', async () => {
    for (const [token, env] of [
      [['--token', everything], { BOARDCAST_TOKEN: 'ignored' }],
      [['--token', `@${fileWith(`${everything}\n`)}`], { BOARDCAST_TOKEN: 'ignored' }],
      [[], { BOARDCAST_TOKEN: everything }],
    ] as const) {
      const { code, stdout, stderr } = await run(token, env)
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'worked\n' })
      expect(stderr).not.toContain(everything)
    }
    const { body } = await actingAs(server, everything).call<{ state: { cards: object } }>('GET', '/boards/demo')
    expect(Object.keys(body.state.cards)).toHaveLength(3)
  })

  test('a file that cannot be read, or holds no token', async () => {
    const { code, stdout, stderr } = await run(['--token', '@/nowhere/token'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('"/nowhere/token" (ENOENT)')
    const [empty, two] = [fileWith('\n'), fileWith('secret-one\nsecret-two\n')]
    expect((await run(['--token', `@${empty}`])).stderr).toContain('is empty')
    const refused = await run(['--token', `@${two}`])
    expect(refused.code).toBe(2)
    expect(refused.stderr).not.toContain('secret')
  })

  test('a file without a name, and one without an end', async () => {
    expect(await run(['--token', '@'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('write --token @FILE'),
    })
    const { code, stderr } = await run(['--token', '@/dev/zero'])
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('"/dev/zero" is longer than any token'),
    })
  })

  test.each(['secret\nsecret', 'secret\u0000', 'secrét', ' ', 'secret secret'])('%j is never shown', (text) => {
    for (const [option, variable] of [
      [text, undefined],
      [undefined, text],
    ]) {
      try {
        tokenFrom(option, variable)
        expect.unreachable()
      } catch (error) {
        expect(error).toBeInstanceOf(CommandError)
        expect((error as CommandError).exitCode).toBe(2)
        expect((error as CommandError).message).not.toMatch(/secr/)
      }
    }
  })
})

describe('[RUN23] a file whose token is renewed', () => {
  /** A run that prints a line when it begins, and one when the file `go` is there. */
  async function begin(token: string) {
    const { url, restart } = server
    const go = join(folder, `go-${Math.random()}`)
    const waits = `console.log('one'); const timer = setInterval(() => {
      if (!require('node:fs').existsSync(${JSON.stringify(go)})) return
      clearInterval(timer)
      console.log('two')
    }, 20)`
    const target = ['--board', 'renewed', '--title', 'Long']
    const program = boardcast(['run', '--url', url, ...target, '--token', token, '--', process.execPath, '-e', waits])
    await program.until(() => program.stdout().includes('one'))
    onTestFinished(() => restart({ jwtSecrets: [SECRET] }))
    return {
      program,
      /** The tokens of before are refused from now on. */
      async replaceKey(): Promise<void> {
        await restart({ jwtSecrets: [OTHER_SECRET] })
        writeFileSync(go, '')
      },
    }
  }

  const otherToken = () => sign({ boardcast: { subscribe: ['*'], publish: ['*'] } }, OTHER_SECRET)

  test('is read again, and nothing is lost', async () => {
    const file = fileWith(everything)
    const { program, replaceKey } = await begin(`@${file}`)
    const other = await otherToken()
    writeFileSync(file, `${other}\n`)
    await replaceKey()
    expect(await program.ended).toBe(0)
    expect(program.stderr()).toMatch(/succeeded, 2 lines/)
    expect(program.stderr()).not.toMatch(/LOST|refused/)
    const { body } = await actingAs(server, other).call<{ state: { cards: Record<string, Card> } }>(
      'GET',
      '/boards/renewed',
    )
    expect(Object.values(body.state.cards).map(({ attempt }) => attempt?.status)).toContain('succeeded')
  })

  test('the same token again is refused as ever', async () => {
    const { program, replaceKey } = await begin(`@${fileWith(everything)}`)
    await replaceKey()
    expect(await program.ended).toBe(0)
    expect(program.stderr()).toMatch(/LOST: the status succeeded was not recorded: .*\(401\)/)
  })
})

describe('[RUN23] refused', () => {
  test.each([
    ['no token', undefined, 'Set a token with --token or BOARDCAST_TOKEN.'],
    ['a wrong one', 'nonsense-token', 'Set --token or BOARDCAST_TOKEN to a valid token.'],
  ])('%s: exit 4, and the program is not started', async (_what, token, advice) => {
    const { code, stdout, stderr } = await run(token === undefined ? [] : ['--token', token])
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toContain(advice)
    expect(stderr).not.toContain('nonsense')
  })

  test('a board that the token does not allow: exit 4', async () => {
    const token = await tokenFor(['board:mine'])
    const { code, stdout, stderr } = await run(['--token', token], {}, 'other')
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toContain('not allowed to publish')
    expect(stderr).not.toContain(token)
  })

  test('a board that the token does not allow to read: the sentence says so', async () => {
    const program = boardcast([
      'demo',
      '--url',
      server.url,
      '--board',
      'other',
      '--token',
      await tokenFor(['board:mine']),
    ])
    expect(await program.ended).toBe(4)
    expect(program.stderr()).toContain('not allowed to subscribe there.')
  })

  test('the demo: exit 4 without a token, and with one no output contains it', async () => {
    const demo = ['demo', '--url', server.url, '--board', 'show', '--speed', '1000', '--once']
    expect(await boardcast(demo).ended).toBe(4)
    const program = boardcast([...demo, '--token', everything])
    expect(await program.ended).toBe(0)
    const all = program.stdout().toString() + program.stderr()
    expect(all).toContain('-H "Authorization: Bearer $BOARDCAST_TOKEN"')
    expect(all).not.toContain(everything)
  })
})
