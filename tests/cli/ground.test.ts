/** What all commands have in common, with the built program. Rules CMD1 to CMD10 of docs/cli.md. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { firstOf } from '../../src/cli/process/exit.ts'
import { isColoured } from '../../src/cli/process/output.ts'
import { lossNotice } from '../../src/cli/tail/loss-notice.ts'
import { parseDuration } from '../../src/text/duration.ts'
import { globs, listOf } from '../../src/text/glob.ts'
import { ChildServer } from '../support/child-server.ts'
import { freePort } from '../support/free-port.ts'
import { boardcast, cli } from './support/program.ts'
import { startHub } from './support/server.ts'
import { startStub } from './support/stub-server.ts'

let hub: Awaited<ReturnType<typeof startHub>>
let folder: string
const NOBODY = 65534
beforeAll(async () => {
  hub = await startHub()
  folder = mkdtempSync(join(tmpdir(), 'boardcast-ground-'))
})
afterAll(async () => {
  await hub[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}, cwd = folder) {
  const program = boardcast(args, { HOME: folder, ...env }, { cwd })
  const code = await program.ended
  return { code, stdout: program.stdout().toString(), stderr: program.stderr() }
}

// A device that is always full: Linux has it.
test.skipIf(!existsSync('/dev/full'))(
  '[CMD3] [CMD4] stdout that cannot be written is said, and 0 becomes 1, but for run',
  async () => {
    for (const args of [
      ['schema', 'openapi'],
      ['config'],
      ['completion', 'bash'],
      ['cursor', '--url', hub.url],
      ['run', '--url', hub.url, '--board', 'demo', '--title', 'full', '--', 'echo', 'hi'],
    ]) {
      const full = openSync('/dev/full', 'w')
      const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', full, 'pipe'], cwd: folder })
      closeSync(full)
      let said = ''
      child.stderr?.on('data', (chunk) => {
        said += chunk
      })
      const [code] = await once(child, 'close')
      const expected = args[0] === 'run' ? 0 : 1
      expect([code, said], args.join(' ')).toEqual([
        expected,
        expect.stringContaining('stdout cannot be written (ENOSPC)'),
      ])
    }
  },
)

test('[CMD4] of several reasons for an end, the first in the order decides', () => {
  expect([firstOf([]), firstOf([0, 3]), firstOf([3, 1]), firstOf([1, 8]), firstOf([8, 5])]).toEqual([0, 3, 1, 8, 5])
  expect([firstOf([5, 6]), firstOf([6, 7]), firstOf([7, 4]), firstOf([4, 143]), firstOf([130, 2])]).toEqual([
    ...[6, 7, 4, 143, 2],
  ])
})

test('[CMD2] options precede variables, NO_COLOR precedes FORCE_COLOR, and each stream is judged alone', () => {
  const { NO_COLOR, FORCE_COLOR } = process.env
  const judge = (noColor: string, forceColor: string, option?: boolean) => {
    Object.assign(process.env, { NO_COLOR: noColor, FORCE_COLOR: forceColor })
    return [isColoured({ isTTY: true }, option), isColoured({}, option)]
  }
  try {
    expect(judge('', '')).toEqual([true, false])
    expect(judge('1', '')).toEqual([false, false])
    expect(judge('', '1')).toEqual([true, true])
    expect(judge('1', '1')).toEqual([false, false])
    expect(judge('1', '1', true)).toEqual([true, true])
    expect(judge('', '1', false)).toEqual([false, false])
  } finally {
    for (const [name, value] of Object.entries({ NO_COLOR, FORCE_COLOR })) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
})

test('[CMD10] durations and globs', () => {
  expect(['250ms', '10s', '5m', '1h', '7d'].map(parseDuration)).toEqual([250, 10_000, 300_000, 3_600_000, 604_800_000])
  expect(['10', 's', '1w', '-1s', '1 s', '99999d'].map(parseDuration)).toEqual(Array(6).fill(undefined))
  const fits = globs(listOf(['card.*,*.failed', 'a+b']))
  expect(['card.moved', 'git.push.failed', 'a+b', 'cardxmoved', 'aab', 'card'].filter(fits)).toEqual([
    ...['card.moved', 'git.push.failed', 'a+b'],
  ])
})

test('[CMD7] a lost stream is reported at once, then once a minute, and when it is back', () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  try {
    vi.advanceTimersByTime(1)
    const said: string[] = []
    const { lost, found } = lossNotice('http://h', {
      info: (text) => said.push(text),
      warn: () => {},
      paint: (_, text) => text,
    })
    for (let second = 0; second < 150; second += 1) {
      lost('connection refused')
      vi.advanceTimersByTime(1_000)
    }
    found()
    found()
    const away = 'http://h is unreachable (connection refused); trying again until it is back'
    expect(said).toEqual([away, away, away, 'http://h is back'])
  } finally {
    vi.useRealTimers()
  }
})

describe('the server', () => {
  test('[CMD6] nobody there is 5 at once; with --wait-server it may still start', async () => {
    const port = await freePort()
    const none = await run(['cursor', '--url', `http://127.0.0.1:${port}`])
    expect([none.code, none.stderr]).toEqual([5, expect.stringContaining('(connection refused). Start one with')])
    const given = await run(['tail', '--url', `http://127.0.0.1:${port}`, '--wait-server', '500ms'])
    expect(given.code).toBe(5)
    await using server = await ChildServer.start()
    await server.stop('SIGKILL')
    const there = ['--url', server.url, '--wait-server', '60s']
    const waiting = [
      ['cursor', ...there],
      ['tail', ...there, '--no-follow'],
      ['post', ...there, 'createBoard', 'id=b', 'name=B'],
      ['expect', ...there, '--absent', '*.failed', '--within', '200ms'],
      ['run', ...there, '--board', 'c', '--title', 'T', '--', 'true'],
    ].map((words) => run(words))
    await server.start()
    expect((await Promise.all(waiting)).map(({ code }) => code)).toEqual([0, 0, 0, 0, 0])
  })

  test('[CMD6] --url precedes BOARDCAST_URL, which precedes the profile and PORT; tokens are not printed', async () => {
    await using stub = await startStub([{ status: 200, body: { cursor: 'from the stub' } }])
    const [byOption, byVariable, byPort] = await Promise.all([
      run(['cursor', '--url', hub.url], { BOARDCAST_URL: stub.url }),
      run(['cursor'], { BOARDCAST_URL: stub.url, BOARDCAST_TOKEN: 'sesame', PORT: new URL(hub.url).port }),
      run(['cursor'], { PORT: new URL(hub.url).port }),
    ])
    expect(byOption.stdout).toMatch(/^[0-9a-f]{8}-\d+\n$/)
    expect([byVariable.stdout, byPort.stdout]).toEqual(['from the stub\n', byOption.stdout])
    expect(stub.asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer sesame'])
  })

  test('[CMD7] a busy server is tried again, no sooner than it asks, until the time is up', async () => {
    await using stub = await startStub([
      { status: 503, headers: { 'Retry-After': '1' } },
      { status: 502 },
      { status: 200, body: { cursor: '00000001-1' } },
    ])
    const started = performance.now()
    expect((await run(['cursor', '--url', stub.url])).code).toBe(0)
    expect(performance.now() - started).toBeGreaterThan(1_000)
    expect(stub.asked).toHaveLength(3)
    await using busy = await startStub([{ status: 503 }])
    const { code, stderr } = await run(['tail', '--url', busy.url, '--timeout', '2s'])
    expect([code, stderr]).toEqual([5, expect.stringContaining('is still unreachable, and the time is up')])
  })
})

test('[CMD12a] cursor prints the newest id and nothing else', async () => {
  const [printed, { cursor }] = [await run(['cursor', '--url', hub.url]), await hub.ask('GET', '/cursor')]
  expect(printed).toEqual({ code: 0, stdout: `${cursor}\n`, stderr: '' })
})

describe('profiles', () => {
  const yaml = (text: string, path = '.boardcast.yaml') => {
    const inner = join(folder, 'project', 'inner')
    mkdirSync(inner, { recursive: true })
    writeFileSync(join(folder, 'project', path), text)
    return inner
  }
  const profiles = (more = '') =>
    `default: local\nprofiles:\n  local: {url: '${hub.url}'${more}}\n  ci: {url: '\${HUB_URL}', token: '\${HUB_TOKEN}', wait-server: 1s}\n`

  test('[CMD8a] from the nearest file above; an option beats a variable, a variable the profile', async () => {
    const cwd = yaml(profiles())
    await using stub = await startStub([{ status: 200, body: { cursor: 'from the stub' } }])
    const variables = { HUB_URL: stub.url, HUB_TOKEN: 'of the profile' }
    const [usual, ci, variable, unset] = await Promise.all([
      run(['cursor'], {}, cwd),
      run(['cursor', '--profile', 'ci'], { ...variables, BOARDCAST_TOKEN: 'of-the-variable' }, cwd),
      run(['cursor'], { BOARDCAST_URL: stub.url }, cwd),
      run(['cursor'], { BOARDCAST_PROFILE: 'ci', HUB_URL: stub.url }, cwd),
    ])
    expect(usual?.stdout).toMatch(/^[0-9a-f]{8}-\d+\n$/)
    expect([ci?.stdout, variable?.stdout]).toEqual(['from the stub\n', 'from the stub\n'])
    expect(stub.asked.map(({ headers }) => headers.authorization).sort()).toEqual(['Bearer of-the-variable', undefined])
    expect([unset?.code, unset?.stderr]).toEqual([
      2,
      expect.stringMatching(/ci\.token: the variable HUB_TOKEN is not set/),
    ])
  })

  test('[CMD8a] an option that excludes one of the profile wins; a variable that is not needed may be unset', async () => {
    const cwd = yaml(profiles(`, board: nowhere, token: '\${NOT_SET}'`))
    const args = ['tail', '--channel', 'global', '--token', 'x', '--no-follow']
    expect(await run(args, {}, cwd)).toMatchObject({ code: 0, stderr: '' })
  })

  test('[CMD8a] the schema of an event depends on no profile', async () => {
    const cwd = yaml(profiles(', channel: topic:deploys, version: 9'))
    expect(await run(['schema', 'card.created'], {}, cwd)).toMatchObject({ code: 0, stderr: '' })
  })

  test('[CMD8a] what is wrong is 2, with the place', async () => {
    const cwd = yaml('profiles: {a: {url: [')
    const faulty = await run(['cursor'], {}, cwd)
    expect([faulty.code, faulty.stderr]).toEqual([2, expect.stringMatching(/\.boardcast\.yaml:1:\d+ is not YAML: /)])
    yaml(profiles())
    const unknown = await run(['cursor', '--profile', 'lokal'], {}, cwd)
    expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('Did you mean local?')])
    const none = await run(['cursor', '--profile', 'x'])
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('there is no file with profiles')])
    yaml(profiles(', timeout: soon'))
    const value = await run(['tail'], {}, cwd)
    expect([value.code, value.stderr]).toEqual([2, expect.stringMatching(/local\.timeout: Expected a duration/)])
  })

  test('[CMD8a] without one above, the file in the folder of configurations', async () => {
    const home = join(folder, 'config')
    mkdirSync(join(home, 'boardcast'), { recursive: true })
    writeFileSync(join(home, 'boardcast', 'config.yaml'), profiles())
    expect((await run(['cursor'], { XDG_CONFIG_HOME: home })).code).toBe(0)
  })

  test('[CMD8a] a folder of configurations that the user may not enter has none', async () => {
    const closed = join(folder, 'closed')
    mkdirSync(join(closed, 'boardcast'), { recursive: true })
    writeFileSync(join(closed, 'boardcast', 'config.yaml'), profiles())
    chmodSync(closed, 0o600)
    const program = spawnSync(process.execPath, [cli, 'config', '--format', 'jsonl'], {
      cwd: '/',
      env: { XDG_CONFIG_HOME: closed, HOME: closed, NO_COLOR: '1' },
      encoding: 'utf8',
      // To root no folder is closed.
      ...(process.getuid?.() === 0 && { uid: NOBODY, gid: NOBODY }),
    })
    chmodSync(closed, 0o700)
    expect([program.status, program.stderr]).toEqual([0, ''])
  })
})

describe('help', () => {
  test('[CMD9a] every command has a synopsis, that of docs/cli.md, and two examples of itself', async () => {
    const documented = readFileSync(fileURLToPath(new URL('../../docs/cli.md', import.meta.url)), 'utf8')
    const { stdout } = await run(['--help'])
    const commands = [...stdout.matchAll(/^ {2}([a-z-]+) (?=.* {2})/gm)].map(([, name]) => name ?? '')
    expect(commands).toEqual(expect.arrayContaining(['serve', 'run', 'demo', 'tail', 'cursor', 'token']))
    for (const name of commands.filter((name) => name !== 'help')) {
      const help = await run([name, '--help'])
      expect(help.stdout, name).toMatch(new RegExp(`^Usage: boardcast ${name} `))
      const [usage = ''] = help.stdout.split('\n')
      expect(documented, name).toContain(`\n## boardcast ${name}\n\n\`\`\`\n${usage.replace('Usage: ', '')}\n\`\`\`\n`)
      const [, examples = ''] = help.stdout.split('\nExamples:\n')
      expect(examples.match(new RegExp(`^  .*boardcast ${name}\\b`, 'gm'))?.length, name).toBeGreaterThanOrEqual(2)
      if (name !== 'completion') expect(help.stdout, name).toMatch(/^ {2}-q, --quiet /m)
    }
  })

  test('[CMD9a] unknown commands and options get the nearest known one, and 2', async () => {
    const [command, far, option, help, glob] = await Promise.all([
      run(['tale']),
      run(['xyzzy']),
      run(['tail', '--no-folow']),
      run(['help', 'pots']),
      run(['tail', '--url', hub.url, '--type', 'crad.*', '--no-follow']),
    ])
    expect([command.code, far.code, option.code, help.code, glob.code]).toEqual([2, 2, 2, 2, 0])
    expect(help.stderr).toContain('(Did you mean post?)')
    expect(glob.stderr).toContain('named crad.*, unless a client posts one; did you mean card.*?')
    expect(command.stderr).toContain('(Did you mean tail?)')
    expect(far.stderr).toMatch(/unknown command 'xyzzy'\n\(Did you mean \w+\?\)/)
    expect(option.stderr).toContain('(Did you mean --no-follow?)')
  })
})
