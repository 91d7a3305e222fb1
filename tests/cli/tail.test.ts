/** `boardcast tail`, run as the built program against real servers. Rules CMD15 to CMD19 of docs/cli.md, and CMD3. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { ChildServer } from '../support/child-server.ts'
import { boardcast, cli } from './support/program.ts'
import { startHub } from './support/server.ts'
import { startStub } from './support/stub-server.ts'

let hub: Awaited<ReturnType<typeof startHub>>
let folder: string
beforeAll(async () => {
  hub = await startHub()
  folder = mkdtempSync(join(tmpdir(), 'boardcast-tail-'))
})
afterAll(async () => {
  await hub[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

interface Line {
  readonly channel: string
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
  readonly timestamp: number
  readonly id: string
}

const tail = (args: readonly string[], url = hub.url) => boardcast(['tail', '--url', url, ...args])
const cursor = async () => (await hub.ask('GET', '/cursor')).cursor as string
const lines = (text: string): Line[] => text.split('\n').flatMap((line) => (line === '' ? [] : JSON.parse(line)))

async function ended(program: ReturnType<typeof boardcast>) {
  const code = await program.ended
  return { code, stdout: program.stdout().toString(), stderr: program.stderr() }
}

let boards = 0
/** A new board, and the id before its first card. */
async function boardWith(titles: readonly string[]) {
  boards += 1
  const board = `tail-${boards}`
  await hub.ask('POST', '/boards', { id: board, name: board })
  const since = await cursor()
  for (const title of titles) await hub.ask('POST', `/boards/${board}/cards`, { title })
  return { board, since, add: (title: string) => hub.ask('POST', `/boards/${board}/cards`, { title }) }
}

describe('what is printed', () => {
  test('[CMD15] [CMD1] the same envelopes over both transports; on a pipe as JSON lines, those of the log', async () => {
    const { board, since } = await boardWith(['one', 'line\u2028break'])
    const args = ['--board', board, '--since', since, '--no-follow']
    const [sse, ws, raw] = await Promise.all(
      [[], ['--transport', 'ws'], ['--format', 'raw']].map((more) => ended(tail([...args, ...more]))),
    )
    expect([sse?.code, sse?.stderr, ws?.stderr]).toEqual([0, '', ''])
    expect(ws?.stdout).toBe(sse?.stdout)
    expect(sse?.stdout.match(/[^\n]+/g)).toHaveLength(2)
    const { events } = await hub.ask('GET', `/events?channels=board:${board}&after=${since}`)
    expect(lines(sse?.stdout ?? '')).toEqual(events)
    const [first] = lines(sse?.stdout ?? '')
    expect(Object.keys(first ?? {})).toEqual(['channel', 'event', 'data', 'timestamp', 'actor', 'id'])
    const [text] = (sse?.stdout ?? '').split('\n')
    expect(raw?.stdout.startsWith(`event: card_created\ndata: ${text}\nid: ${first?.id}\n\n`)).toBe(true)
  })

  test('[CMD15] `global` without a board or a channel; laid out with --format pretty', async () => {
    const { board, since } = await boardWith(['a \u001b[31m title\nof two lines'])
    const pretty = await ended(tail(['--since', since, '--no-follow', '--format', 'pretty', '--type', 'card.*']))
    expect(pretty.stdout).toMatch(/^\d\d:\d\d:\d\d\.\d{3} global card\.created a \ufffd\[31m title of two lines .*\n$/)
    expect(pretty.stdout).toContain(`boardId=${board}`)
  })

  test('[CMD1] [CMD2] on a terminal it is laid out, coloured, and cut to the width', async () => {
    const { since } = await boardWith(['x'.repeat(500)])
    const command = `stty cols 60; ${process.execPath} ${cli} tail --url ${hub.url} --since ${since} --no-follow`
    const run = async (text: string) => {
      const env = { PATH: process.env.PATH, TERM: 'xterm' }
      return (await promisify(execFile)('script', ['-qec', text, '/dev/null'], { env })).stdout
    }
    const coloured = await run(command)
    const both = await run(`NO_COLOR=1 FORCE_COLOR=1; export NO_COLOR FORCE_COLOR; ${command}`)
    expect(coloured).toContain('\u001b[1mcard.created')
    // Node itself warns of the two variables.
    const [plain = ''] = /^\d\d:.*$/m.exec(both.replaceAll('\r', '')) ?? []
    expect(plain).toMatch(/^\d\d:\d\d:\d\d\.\d{3} global card\.created x+…$/)
    expect(plain).toHaveLength(60)
  })

  test('[CMD15] [CMD9a] [CMD1] names that no event has are warned of, with the nearest', async () => {
    const args = ['--type', 'card.creatd', '--until', 'nothing*', '--no-follow']
    const { code, stdout, stderr } = await ended(tail(args))
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toBe(
      'boardcast: no event on global is named card.creatd, unless a client posts one; did you mean card.created?\n' +
        'boardcast: no event on global is named nothing*, unless a client posts one\n',
    )
    expect(await ended(tail([...args, '-q']))).toEqual({ code: 0, stdout: '', stderr: '' })
  })
})

test('[CMD15] --where: only events that meet every condition; one that cannot be read is 2', async () => {
  const { board, since } = await boardWith(['Hello one', 'other', 'Hello two'])
  const args = ['--board', board, '--since', since, '--no-follow', '--where']
  const [hello, both, wrong] = await Promise.all([
    ended(tail([...args, 'card.title~^Hello'])),
    ended(tail([...args, 'card.title~^Hello', '--where', 'index>=1'])),
    ended(tail([...args, 'card.title==x'])),
  ])
  expect([hello.code, both.code, wrong.code]).toEqual([0, 0, 2])
  expect([hello, both].map(({ stdout }) => lines(stdout).length)).toEqual([2, 1])
  expect(wrong.stderr).toMatch(/--where card\.title==x: character \d+: /)
})

describe('when it ends', () => {
  test('[CMD16] after -n events, after the first that fits --until, or when nothing is left', async () => {
    const { board, since } = await boardWith(['one', 'two', 'three'])
    const args = ['--board', board, '--since', since]
    const runs = [
      ['-n', '2'],
      ['--until', 'card_*', '--type', 'board_updated'],
      ['--no-follow', '-n', '9'],
    ]
    const [some, until, all] = await Promise.all(runs.map((more) => ended(tail([...args, ...more]))))
    expect([some?.code, until?.code, all?.code]).toEqual([0, 0, 0])
    expect([some, until, all].map((run) => lines(run?.stdout ?? '').length)).toEqual([2, 1, 3])
  })

  test('[CMD16] when the time is up: 0, or 3 if it waited for something', async () => {
    const runs = [[], ['-n', '1'], ['--until', 'card.deleted']]
    const codes = await Promise.all(runs.map((more) => tail(['--timeout', '3s', ...more]).ended))
    expect(codes).toEqual([0, 3, 3])
  })

  test('[CMD15] since a duration ago, a time, the earliest event, or now', async () => {
    const { board } = await boardWith(['one'])
    const args = ['--board', board, '--no-follow', '--since']
    const starts = ['10m', '1ms', new Date(Date.now() - 600_000).toISOString(), 'earliest', 'now']
    const runs = await Promise.all(starts.map((since) => ended(tail([...args, since]))))
    expect(runs.map(({ stdout }) => lines(stdout).length)).toEqual([1, 0, 1, 1, 0])
    const wrong = await ended(tail(['--since', 'yesterday']))
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('--since yesterday: write now, earliest')])
  })

  test('[CMD3] a reader that goes away ends it with 0 and without a word; a signal leaves whole lines', async () => {
    const { board, since, add } = await boardWith(['one'])
    const args = ['--board', board, '--since', since]
    const program = tail(args)
    const other = tail(args)
    await program.until(() => program.stdout().includes('\n'))
    await other.until(() => other.stdout().includes('\n'))
    program.closeStdout()
    await add('two')
    expect([await program.ended, program.stderr()]).toEqual([0, ''])
    other.kill('SIGTERM')
    const { code, stdout, stderr } = await ended(other)
    expect([code, stderr, stdout.endsWith('\n')]).toEqual([143, '', true])
  })

  test('[CMD3] so does one of what a CMD of --exec prints', async () => {
    const { board, since, add } = await boardWith(['one'])
    const program = tail(['--board', board, '--since', since, '--exec', 'echo "$BOARDCAST_ID"; cat > /dev/null'])
    await program.until(() => program.stdout().includes('\n'))
    program.closeStdout()
    await add('two')
    expect([await program.ended, program.stderr()]).toEqual([0, ''])
  })

  test('[CMD4] refused: 1, or 4 for credentials; a channel that cannot exist: 2', async () => {
    await using stub = await startStub([{ status: 401, body: { title: 'Unauthenticated' } }])
    const [none, channel, token] = await Promise.all([
      ended(tail(['--board', 'no-such-board'])),
      ended(tail(['--channel', 'boards:x'])),
      ended(tail(['--token', 'sesame'], stub.url)),
    ])
    expect([none.code, channel.code, token.code]).toEqual([1, 2, 4])
    expect(none.stderr).toContain('Board not found')
    expect(channel.stderr).toContain('--channel boards:x: this is not a channel')
    expect(token.stderr).not.toContain('sesame')
  })
})

describe('restarts', () => {
  test('[CMD17] [CMD7] a server that is killed and started again costs nothing, and is missed aloud', async () => {
    await using server = await ChildServer.start()
    const post = async (title: string) => {
      const response = await fetch(`${server.url}/api/v1/boards/b/cards`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ title }),
      })
      expect(response.status).toBe(201)
    }
    await fetch(`${server.url}/api/v1/boards`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ id: 'b', name: 'b' }),
    })
    const args = ['--board', 'b', '--since', 'earliest', '-n', '6']
    const programs = [tail(args, server.url), tail([...args, '--transport', 'ws'], server.url)]
    for (const round of [1, 2, 3]) {
      await post(`before ${round}`)
      const count = round * 2 - 1
      for (const program of programs) {
        await program.until(() => lines(program.stdout().toString()).length === count)
      }
      if (round < 3) await server.stop('SIGKILL')
      if (round === 1)
        for (const program of programs) await program.until(() => program.stderr().includes('unreachable'))
      if (round < 3) await server.start()
      await post(`after ${round}`)
    }
    for (const program of programs) {
      const { code, stdout, stderr } = await ended(program)
      expect(code).toBe(0)
      const titles = lines(stdout).map(({ data }) => (data.card as { title: string }).title)
      expect(titles).toEqual(['before 1', 'after 1', 'before 2', 'after 2', 'before 3', 'after 3'])
      expect(stderr).toMatch(/is unreachable \(.*\); trying again until it is back\nboardcast: .* is back\n/)
    }
  })

  test('[CMD17] --cursor-file goes on after the last event, however tail ended', async () => {
    const { board, since, add } = await boardWith(['one', 'two', 'three'])
    const file = join(folder, 'cursor')
    const args = ['--board', board, '--cursor-file', file]
    const first = await ended(tail([...args, '--since', since, '-n', '2']))
    expect(readFileSync(file, 'utf8')).toBe(`${lines(first.stdout)[1]?.id}\n`)
    const second = tail(args)
    await second.until(() => second.stdout().includes('three'))
    await add('four')
    await second.until(() => second.stdout().includes('four'))
    const four = lines(second.stdout().toString())[1]?.id
    await expect.poll(() => readFileSync(file, 'utf8')).toBe(`${four}\n`)
    second.kill('SIGKILL')
    await second.ended
    await add('five')
    const third = await ended(tail([...args, '--no-follow']))
    const titles = [first.stdout, second.stdout().toString(), third.stdout].map((text) =>
      lines(text).map(({ data }) => (data.card as { title: string }).title),
    )
    expect(titles.flat()).toEqual(['one', 'two', 'three', 'four', 'five'])
  })

  test('[CMD17] --cursor-file holds the place before the first event too, and is refused if it holds something else', async () => {
    const { board, add } = await boardWith([])
    const file = join(folder, 'cursor-of-none')
    const args = ['--board', board, '--cursor-file', file]
    expect((await ended(tail([...args, '--no-follow']))).code).toBe(0)
    await add('one')
    expect(lines((await ended(tail([...args, '--no-follow']))).stdout)).toHaveLength(1)
    writeFileSync(file, 'something else')
    expect(await ended(tail(args))).toMatchObject({ code: 2, stderr: expect.stringContaining('does not hold an id') })
  })
})

describe('what is wrong', () => {
  test('[CMD18] a gap is said and passed over; with --strict it is 7', async () => {
    const args = ['--since', '00000000-7', '--no-follow']
    const [lenient, strict] = await Promise.all([ended(tail(args)), ended(tail([...args, '--strict']))])
    expect([lenient.code, strict.code]).toEqual([0, 7])
    expect(strict.stderr).toMatch(/^boardcast: gap: events after 00000000-7 are lost \(epoch\); /)
  })

  test('[CMD18] an event that breaks its schema is said and passed over; with --strict it is 6', async () => {
    const hello = { channel: '*', event: 'hello', data: { resumed: true }, timestamp: 1, id: '00000001-0' }
    const event = (seq: number, data: unknown) => ({
      ...{ channel: 'global', event: 'message.expired', data, timestamp: 1, id: `00000001-${seq}` },
    })
    const good = { message_id: 'm', to_agent: null, topic: null }
    const frames = [hello, event(1, { ...good, message_id: 7 }), event(2, good)]
    const text = frames
      .map((each) => `event: ${each.event}\ndata: ${JSON.stringify(each)}\nid: ${each.id}\n\n`)
      .join('')
    await using stub = await startStub([{ status: 200, headers: { 'Content-Type': 'text/event-stream' }, text }])
    const args = ['--since', '00000001-0', '-n', '1']
    const [lenient, strict] = await Promise.all([
      ended(tail(args, stub.url)),
      ended(tail([...args, '--strict'], stub.url)),
    ])
    expect([lenient.code, strict.code]).toEqual([0, 6])
    expect(lines(lenient.stdout)).toEqual([event(2, good)])
    expect(strict.stderr).toMatch(/breaks its schema: message\.expired 00000001-1 on global: data\.message_id: /)
  })
})

describe('handing events on', () => {
  test('[CMD19] --exec runs CMD for each event, in order, with the envelope and three variables', async () => {
    const { board, since } = await boardWith(['one', 'two', 'three'])
    const exec = 'echo "$BOARDCAST_EVENT $BOARDCAST_ID $BOARDCAST_CHANNEL"; cat'
    const { code, stdout } = await ended(tail(['--board', board, '--since', since, '-n', '3', '--exec', exec]))
    expect(code).toBe(0)
    const printed = stdout.trim().split('\n')
    expect(printed).toHaveLength(6)
    for (let at = 0; at < 6; at += 2) {
      const { id, event, channel } = JSON.parse(printed[at + 1] ?? '') as Line
      expect(printed[at]).toBe(`${event} ${id} ${channel}`)
    }
  })

  test('[CMD19] a CMD that fails is said; with --strict it is 8, and the event is not done', async () => {
    const { board, since } = await boardWith(['one', 'two'])
    const file = join(folder, 'cursor-of-exec')
    const args = ['--board', board, '--since', since, '-n', '2', '--exec', 'exit 3']
    const lenient = await ended(tail(args))
    const strict = await ended(tail([...args, '--strict', '--cursor-file', file]))
    expect([lenient.code, strict.code]).toEqual([0, 8])
    expect(lenient.stderr.match(/--exec for card_created \S+: exit code 3/g)).toHaveLength(2)
    expect(readFileSync(file, 'utf8').trim()).toBe(since)
  })

  test('[CMD5] a signal ends the CMD and what it started first', async () => {
    const { board, since } = await boardWith(['one'])
    const program = tail(['--board', board, '--since', since, '--exec', 'sleep 1000 & echo $!; wait'])
    await program.until(() => program.stdout().includes('\n'))
    program.kill('SIGINT')
    expect(await program.ended).toBe(130)
    const pid = Number(program.stdout().toString())
    // Nobody may have waited for it yet.
    await expect.poll(() => stateOf(pid)).toMatch(/^Z?$/)
  })

  test('[CMD19] --forward-to posts each event with its id, tries again, and passes over what is refused', async () => {
    const { board, since } = await boardWith(['one', 'two', 'three'])
    await using target = await startStub([
      { status: 503 },
      { status: 200, cut: true },
      { status: 204 },
      { status: 422 },
      { status: 200 },
    ])
    const args = ['--board', board, '--since', since, '-n', '3', '--forward-to', `${target.url}/hook`]
    const { code, stdout, stderr } = await ended(tail(args))
    expect([code, stdout]).toEqual([0, ''])
    expect(stderr).toMatch(/--forward-to: card_created \S+ was refused \(422\), and is passed over/)
    const { events } = (await hub.ask('GET', `/events?channels=board:${board}&after=${since}`)) as { events: Line[] }
    const [one, two, three] = events.map(({ id }) => id)
    expect(target.asked.map(({ headers }) => headers['event-id'])).toEqual([one, one, one, two, three])
    expect(target.asked.map(({ headers }) => headers['idempotency-key'])).toEqual([one, one, one, two, three])
    expect(JSON.parse(target.asked[0]?.body ?? '')).toEqual(events[0])
    expect(target.asked[0]?.headers.authorization).toBeUndefined()
  })

  test('[CMD3] a slow reader slows the command, and loses nothing', async () => {
    const { board, since } = await boardWith([])
    const description = 'x'.repeat(20_000)
    for (let at = 0; at < 60; at += 1) await hub.ask('POST', `/boards/${board}/cards`, { title: `${at}`, description })
    let taken = 0
    const server = createServer((request, response) => {
      request.resume().on('end', () => setTimeout(() => response.end(), 5))
      taken += 1
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    const args = ['--board', board, '--since', since, '-n', '60', '--forward-to', url, '--format', 'jsonl']
    const { code, stdout } = await ended(tail(args))
    expect([code, taken, lines(stdout).length]).toEqual([0, 60, 60])
  })
})

/** Empty: there is no such process. `Z`: it has ended. */
function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? ''
  } catch {
    return ''
  }
}
