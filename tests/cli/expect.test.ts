/** `boardcast expect`, run as the built program against real servers. Rules CMD22 to CMD33 of docs/cli.md. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ChildServer } from '../support/child-server.ts'
import { freePort } from '../support/free-port.ts'
import { boardcast } from './support/program.ts'
import { startHub } from './support/server.ts'
import { startStub } from './support/stub-server.ts'

let hub: Awaited<ReturnType<typeof startHub>>
let folder: string
beforeAll(async () => {
  hub = await startHub()
  folder = mkdtempSync(join(tmpdir(), 'boardcast-expect-'))
  await hub.ask('POST', '/boards', { id: 'demo', name: 'Demo' })
})
afterAll(async () => {
  await hub[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const expectArgs = (args: readonly string[], { url = hub.url, env = {} } = {}) =>
  boardcast(['expect', '--url', url, ...args], { GITHUB_ACTIONS: '', GITHUB_STEP_SUMMARY: '', ...env }, { cwd: folder })

async function ended(program: ReturnType<typeof boardcast>) {
  const code = await program.ended
  return { code, stdout: program.stdout().toString(), stderr: program.stderr() }
}

const run = (...args: string[]) => ended(expectArgs(args))

const cursor = async () => (await hub.ask('GET', '/cursor')).cursor as string
const postCard = (title: string) => hub.ask('POST', '/boards/demo/cards', { title })

/** A program that posts cards and then runs more JavaScript. */
function posting(titles: readonly string[], more = '', url = hub.url): string[] {
  const posts = titles.map(
    (title) =>
      `await fetch(${JSON.stringify(`${url}/api/v1/boards/demo/cards`)}, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ title: ${JSON.stringify(title)} }) });`,
  )
  return ['--', process.execPath, '--input-type=module', '-e', `${posts.join('\n')}\n${more}`]
}

const expecting = (title: string) => ['--type', 'card.created', '--where', `card.title=${title}`]

let files = 0
function fileWith(text: string): string {
  files += 1
  const file = `s${files}.yaml`
  writeFileSync(join(folder, file), text)
  return file
}

describe('a command', () => {
  test('[CMD22] its events are seen from the first on, none before, and its output passes through', async () => {
    await postCard('same')
    const talk = "console.log('out'); console.error('err')"
    const { code, stdout, stderr } = await run(...expecting('same'), '--count', '1', ...posting(['same'], talk))
    expect([code, stdout]).toEqual([0, 'out\n'])
    expect(stderr).toMatch(/^err\nMET after \d+\.\d s: 1 expectation; CMD exited 0\n$/)
  })

  test('[CMD22] with JSON, stdout is the verdict alone', async () => {
    const since = await cursor()
    const args = ['--format', 'json', '--name', 'made', ...posting(['json'], "console.log('out')")]
    const { code, stdout, stderr } = await run(...expecting('json'), ...args)
    expect([code, stderr.startsWith('out\n')]).toEqual([0, true])
    const report = JSON.parse(stdout)
    expect(report).toMatchObject({ ok: true, exitCode: 0, cmd: { exitCode: 0 }, seen: { 'card.created': 1 } })
    expect(report.expectations).toMatchObject([{ name: 'made', met: true, count: 1 }])
    expect(report.cursor.from).toBe(since)
    expect(report.cursor.to).toBe(report.expectations[0].matched[0])
  })

  test('[CMD24c] what it does last is judged, although it has ended', async () => {
    const without = (title: string) => ['--absent', 'card.created', '--where', `card.title=${title}`]
    const [one, two] = await Promise.all([
      run(...expecting('early'), ...without('late'), '--settle', '100ms', ...posting(['early', 'late'])),
      run(...expecting('early 2'), ...without('late 2'), '--settle', '100ms', ...posting(['early 2'])),
    ])
    expect([one.code, two.code]).toEqual([1, 0])
    expect(one.stderr).toMatch(/card\.created, none; \d of that type came, 1 that fit\n {4}unwanted {2}/)
  })

  test('[CMD25a] one that fails is 8, with the report', async () => {
    const args = ['--settle', '10ms', '--within', '60s']
    const [met, unmet, absent] = await Promise.all([
      run(...expecting('failing'), ...args, ...posting(['failing'], 'process.exit(3)')),
      run('--type', 'card.moved', ...args, '--', 'sh', '-c', 'kill -9 $$'),
      run('--type', 'card.moved', ...args, '--', './no-such-program'),
    ])
    expect([met.code, unmet.code, absent.code]).toEqual([8, 8, 8])
    expect(met.stderr).toMatch(/^MET after .*; CMD exited 3\n {2}seen /)
    expect(unmet.stderr).toMatch(/^NOT MET after .*; CMD was ended by SIGKILL\n {2}card\.moved {2}1 or more; none/)
    expect(absent.stderr).toContain('CMD could not be started (ENOENT)')
  })

  test('[CMD25b] one that still runs when the time is up is ended: 1 if something is missing, otherwise 0', async () => {
    const sleeping = ['--', 'sh', '-c', 'trap "echo ended; exit 0" TERM; sleep 1000 & wait']
    const [unmet, met] = await Promise.all([
      run('--type', 'no.such', '--within', '1500ms', ...sleeping),
      run('--absent', 'no.such', '--within', '1500ms', ...sleeping),
    ])
    expect([unmet.code, met.code, unmet.stdout, met.stdout]).toEqual([1, 0, 'ended\n', 'ended\n'])
    expect(unmet.stderr).toContain('; CMD was still running\n')
  })

  test('[CMD25c] a signal ends it first, and the report is written', async () => {
    const args = ['--junit', 'signal.xml', '--within', '60s', '--', 'sh', '-c', 'echo $$; sleep 1000 & wait']
    const program = expectArgs(['--type', 'no.such', ...args])
    await program.until(() => program.stdout().includes('\n'))
    program.kill('SIGTERM')
    const { code, stdout, stderr } = await ended(program)
    expect(code).toBe(143)
    expect(() => process.kill(Number(stdout), 0)).toThrow('ESRCH')
    expect(stderr).toContain('STOPPED, it was interrupted: NOT MET')
    expect(readFileSync(join(folder, 'signal.xml'), 'utf8')).toContain('<error message="it was interrupted"')
  })
})

describe('without a command', () => {
  test('[CMD23a] [CMD23b] the log is judged from an id on, without waiting', async () => {
    const since = await cursor()
    await postCard('past')
    const [met, unmet, shown] = await Promise.all([
      run(...expecting('past'), '--absent', '*.failed', '--since', since),
      run('--type', 'card.moved', '--since', since),
      run(...expecting('past'), '--since', since, '--format', 'json'),
    ])
    expect([met.code, unmet.code, shown.code]).toEqual([0, 1, 0])
    const [id] = JSON.parse(shown.stdout).expectations[0].matched
    expect(unmet.stderr).toContain(`again boardcast tail --url ${hub.url} --since ${since} --no-follow`)
    const after = await run(...expecting('past'), '--since', id)
    expect(after.code).toBe(1)
  })

  test('[CMD24a] it listens until all has come, or the time is up', async () => {
    const program = expectArgs([...expecting('awaited'), '--within', '60s', '--board', 'demo'].map(toWire))
    const late = run('--type', 'no.such', '--within', '500ms')
    // It may not listen yet.
    const posting = setInterval(() => void postCard('awaited'), 200)
    expect(await program.ended).toBe(0)
    clearInterval(posting)
    expect(await late).toMatchObject({ code: 1, stderr: expect.stringMatching(/NOT MET after \d\.\d s: 1 of 1/) })
  })
})

function toWire(argument: string): string {
  return argument === 'card.created' ? 'card_created' : argument
}

describe('usage', () => {
  const REFUSED: ReadonlyArray<readonly [string[], string]> = [
    [[], 'there is nothing to expect: use --type GLOB, --absent GLOB or --file S.yaml.'],
    [['--where', 'a=1', '--type', 'a'], '--where a=1 belongs to the --type or --absent before it, and there is none.'],
    [['--type', 'a', '--where', 'a==1'], '--where a==1: character 2: "==" is no operator; did you mean "="?'],
    [['--type', 'a', '--count', 'x'], '--count "x" is not a count: use N, N+, N..M or ..M'],
    [['--absent', 'a', '--count', '2'], '--count 2: --absent takes no count. Use --type with ..2.'],
    [['--type', 'a', '--since', 'now'], '--since now: write the id of an event, such as 5d3c9b1e-4711'],
    [['--type', 'a', '--only', 'b'], '--only belongs to --order exact.'],
    [['--file', 'none.yaml'], '--file none.yaml cannot be read (ENOENT).'],
  ]

  test('[CMD22] what cannot be meant is refused, and nothing is run', async () => {
    const runs = await Promise.all(REFUSED.map(([args]) => run(...args, '--', 'echo', 'ran')))
    for (const [at, { code, stdout, stderr }] of runs.entries()) {
      expect([code, stdout]).toEqual([2, ''])
      expect(stderr).toContain(REFUSED[at]?.[1])
    }
  })

  test('[CMD30e] [CMD33b] a faulty scenario is refused, with a report, and nothing is run', async () => {
    const file = fileWith('expect:\n  - { type: a, where: { x: { matchs: b } } }\n')
    const { code, stdout, stderr } = await run('--file', file, '--junit', 'faulty.xml', '--', 'echo', 'ran')
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(`${file}:2:30: there is no operator "matchs"; did you mean "matches"?`)
    expect(readFileSync(join(folder, 'faulty.xml'), 'utf8')).toContain(`<error message="${file}:2:30: there is no`)
  })

  test('[CMD31e] names that no event has are warned of', async () => {
    const { code, stderr } = await run('--absent', 'card.creatd', '--since', await cursor())
    expect(code).toBe(0)
    expect(stderr).toContain(
      'no event on global is named card.creatd, unless a client posts one; did you mean card.created?',
    )
  })

  test('[CMD31e] conditions that no event can meet are warned of, with the nearest field', async () => {
    const file = fileWith(`
expect: [{ type: card.created, where: { card.titel: a, card.status: { oneOf: [dnoe] }, 'card.labels[*]': x } }]
never:
  - { type: card.moved, where: { toColumn: done, card.title: { exists: true } } }
  - { type: attempt.status.changed, where: { status: faild, cardId: a, attemptId: { exists: true } } }
  - { type: topic-event, where: { what.ever: 1 } }`)
    const { stderr } = await run('--file', file, '--since', await cursor())
    const warned = stderr.split('\n').filter((line) => /^boardcast: .*(?:never has|has one of)/.test(line))
    expect(warned).toEqual([
      'boardcast: card.titel = "a": card.created never has card.titel; did you mean card.title?',
      'boardcast: card.status one of ["dnoe"]: card.created never has card.status; did you mean card.stage?',
      'boardcast: toColumn = "done": card.moved never has toColumn; did you mean toColumnId?',
      'boardcast: card.title: card.moved never has card.title',
      expect.stringMatching(/^boardcast: status = "faild": attempt\.status\.changed has one of .*"failed" there$/),
    ])
  })

  test('[CMD31e] names on a topic are the clients own', async () => {
    const { stderr } = await run('--channel', 'topic:deploys', '--absent', 'step', '--since', await cursor())
    expect(stderr).not.toContain('is named')
  })

  test('[CMD26c] a regular expression that tries too many ways is over in time', async () => {
    const since = await cursor()
    await postCard(`${'a'.repeat(60)}!`)
    const { code } = await run('--type', 'card.created', '--where', 'card.title~^(a+)+$', '--since', since)
    expect(code).toBe(1)
  })

  test('[CMD32a] [CMD33b] what cannot begin has a report of every suite', async () => {
    const file = fileWith('{ name: nowhere, board: none, expect: [{ type: card_created }] }')
    const { code, stdout } = await run('--file', file, '--format', 'json', '--junit', 'none.xml', '--', 'echo', 'ran')
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ ok: false, exitCode: 1, stopped: expect.stringContaining('none') },
      expectations: [{ type: 'card_created', met: false }],
    })
    expect(readFileSync(join(folder, 'none.xml'), 'utf8')).toContain('<testsuite name="nowhere"')
  })

  test('[CMD4] no server: 5, with a report all the same; refused: 4', async () => {
    await using stub = await startStub([{ status: 401, body: { title: 'Unauthenticated' } }])
    const nobody = expectArgs(['--type', 'a', '--junit', 'nobody.xml', '--', 'echo', 'ran'], {
      url: `http://127.0.0.1:${await freePort()}`,
    })
    const refused = expectArgs(['--type', 'a', '--', 'echo', 'ran'], { url: stub.url })
    const [none, denied] = await Promise.all([ended(nobody), ended(refused)])
    expect([none.code, none.stdout, denied.code, denied.stdout]).toEqual([5, '', 4, ''])
    await using busy = await startStub([{ status: 503, body: {} }])
    const args = ['--type', 'a', '--within', '500ms', '--', 'echo', 'ran']
    const late = await ended(expectArgs(args, { url: busy.url }))
    expect([late.code, late.stdout]).toEqual([5, ''])
    expect(late.stderr).toContain(`STOPPED, ${busy.url} has not opened a stream in time: NOT MET`)
    expect(readFileSync(join(folder, 'nobody.xml'), 'utf8')).toContain('<testcase classname="boardcast expect"')
  })
})

describe('scenarios', () => {
  test('[CMD30f] a scenario with a command, variables and saved values', async () => {
    const script = join(folder, 'work.mjs')
    writeFileSync(script, posting(['Hello'])[4] ?? '')
    const file = fileWith(`
name: A card is made
within: 30s
run: '"\${NODE}" work.mjs && echo "$$NODE" "$NODE"'
expect:
  - name: it is made
    type: card.created
    where: { boardId: demo, card.title: { matches: '^Hello' } }
    save: { card: card.id }
never:
  - { type: card.deleted, where: { cardId: $card } }
`)
    const env = { NODE: process.execPath }
    const { code, stdout, stderr } = await ended(expectArgs(['--file', file, '--settle', '10ms'], { env }))
    expect([code, stdout]).toEqual([0, `${process.execPath} ${process.execPath}\n`])
    expect(stderr).toContain('MET after')
  })

  test('[CMD30f] several files are suites in one run, and options win', async () => {
    const one = fileWith('name: one\nchannels: [topic:a]\nexpect: [{ type: x.y }]')
    const two = fileWith('name: two\nboard: demo\nwithin: 60s\nexpect: [{ type: card_created }]')
    const more = ['--file', one, '--file', two, '--within', '3s', '--junit', 'two.xml']
    const { code, stderr } = await run(...more, ...posting(['two suites']))
    expect(code).toBe(1)
    expect(stderr).toMatch(/^one: NOT MET after 3\.\d s: .*again boardcast tail --url \S+ --channel topic:a --since/ms)
    expect(stderr).toContain('\ntwo: MET after')
    const xml = readFileSync(join(folder, 'two.xml'), 'utf8')
    expect(xml.match(/<testsuite name="[^"]*" file="[^"]*" tests="\d" failures="\d"/g)).toEqual([
      `<testsuite name="one" file="${one}" tests="1" failures="1"`,
      `<testsuite name="two" file="${two}" tests="1" failures="0"`,
    ])
  })

  test('[CMD30f] each suite is judged on its own channels, as if it were alone', async () => {
    const exactly = fileWith(
      'board: demo\norder: exact\nonly: ["*"]\nexpect: [{ type: card_created }, { type: agent_registered }]',
    )
    const domain = fileWith('order: exact\nonly: ["*"]\nexpect: [{ type: card.created }, { type: agent.registered }]')
    const topic = fileWith('channels: [topic:t, global]\nexpect: [{ type: card.created, channel: global }]')
    const register = `await fetch('${hub.url}/api/v1/agents', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"id":"a"}' })`
    const files = [exactly, domain, topic].flatMap((file) => ['--file', file])
    const report = ['--format', 'json', '--settle', '100ms']
    const { code, stdout, stderr } = await run(...files, ...report, ...posting(['alone'], register))
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout).seen).toEqual({
      ...{ card_created: 1, agent_registered: 1, 'card.created': 1, 'agent.registered': 1 },
    })
  })

  test('[CMD8a] what a file says precedes the profile; the profile precedes the defaults', async () => {
    const project = join(folder, 'profiled')
    mkdirSync(project)
    const profile = `default: p\nprofiles: { p: { url: '${hub.url}', board: demo, within: 1s } }`
    writeFileSync(join(project, '.boardcast.yaml'), profile)
    writeFileSync(join(project, 'own.yaml'), 'channels: [global]\nwithin: 60s\nexpect: [{ type: card.created }]')
    const words = posting(['profiled'])
    const start = (...args: string[]) =>
      ended(boardcast(['expect', ...args], { HOME: folder, GITHUB_ACTIONS: '' }, { cwd: project }))
    const [own, usual] = await Promise.all([
      start('--file', 'own.yaml', ...words),
      start('--type', 'card_created', '--absent', 'card.created', ...words),
    ])
    expect([own.code, usual.code], own.stderr + usual.stderr).toEqual([0, 0])
  })

  test('[CMD33f] on GitHub Actions there are annotations and a summary', async () => {
    const file = fileWith('expect:\n  - { name: it moves, type: card.moved }\n')
    const env = { GITHUB_ACTIONS: 'true', GITHUB_STEP_SUMMARY: join(folder, 'summary.md') }
    const args = ['--file', file, '--since', await cursor()]
    const { stderr } = await ended(expectArgs(args, { env }))
    expect(stderr).toContain(
      `\n::error file=${file},line=2,title=it moves::it moves (${file}:2)  card.moved, 1 or more;`,
    )
    expect(readFileSync(env.GITHUB_STEP_SUMMARY, 'utf8')).toContain(
      `| ✗ | it moves | ${file}:2 | card.moved, 1 or more;`,
    )
    const annotated = await run(...args, '--annotate', 'github')
    expect(annotated.stderr).toContain('::error file=')
  })
})

describe('what stops it', () => {
  test('[CMD29b] a gap is 7', async () => {
    const { code, stderr } = await run('--type', 'card.created', '--since', '00000000-7')
    expect(code).toBe(7)
    expect(stderr).toContain('STOPPED, gap: events after 00000000-7 are lost (epoch): NOT MET')
  })

  test('[CMD29b] an event that breaks its schema is 6 if it is judged', async () => {
    const hello = { channel: '*', event: 'hello', data: { resumed: true }, timestamp: 1, id: '00000001-0' }
    const event = (name: string, seq: number) => ({
      ...{ channel: 'global', event: name, data: { message_id: 7 }, timestamp: 1, id: `00000001-${seq}` },
    })
    const text = [hello, event('message.expired', 1), event('message.read', 2)]
      .map((each) => `event: ${each.event}\ndata: ${JSON.stringify(each)}\nid: ${each.id}\n\n`)
      .join('')
    await using stub = await startStub([{ status: 200, headers: { 'Content-Type': 'text/event-stream' }, text }])
    const { code, stderr } = await ended(expectArgs(['--type', 'message.read', '--within', '60s'], { url: stub.url }))
    expect(code).toBe(6)
    expect(stderr).toContain('STOPPED, message.read 00000001-2 breaks its schema: data.')
  })

  test('[CMD29c] a server that restarts costs nothing; one that stays away is 5', async () => {
    await using server = await ChildServer.start()
    const post = (path: string, body: object) =>
      fetch(`${server.url}/api/v1${path}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
    await post('/boards', { id: 'demo', name: 'Demo' })
    const args = [...expecting('before'), ...expecting('after'), '--absent', 'card.deleted', '--settle', '10ms']
    const wait = "setInterval(() => {}, 1_000); process.on('SIGUSR2', () => process.exit()); console.log(process.pid)"
    const program = expectArgs([...args, '--within', '60s', ...posting(['before'], wait, server.url)], {
      url: server.url,
    })
    await program.until(() => program.stdout().includes('\n'))
    await server.stop('SIGKILL')
    await program.until(() => program.stderr().includes('is unreachable'))
    await server.start()
    await post('/boards/demo/cards', { title: 'after' })
    process.kill(Number(program.stdout()), 'SIGUSR2')
    expect(await ended(program)).toMatchObject({ code: 0, stderr: expect.stringContaining('MET after') })

    const lonely = expectArgs(['--type', 'card.moved', '--within', '2s', '--', 'echo', 'begun'], { url: server.url })
    await lonely.until(() => lonely.stdout().includes('begun'))
    await server.stop('SIGKILL')
    expect(await ended(lonely)).toMatchObject({ code: 5, stderr: expect.stringContaining('is still unreachable') })
  })
})
