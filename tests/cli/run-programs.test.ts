/**
 * Programs behave under `boardcast run` as they do alone, and print the same.
 *
 * RUN18  The program gets real pipes, the same environment, descriptors and signals as alone: bytes and exit code are those
 *        that it has in a pipeline.
 */
import { execFile, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runOnNewBoard } from './support/run.ts'
import { startHub } from './support/server.ts'

let hub: Awaited<ReturnType<typeof startHub>>
beforeAll(async () => {
  hub = await startHub()
})
afterAll(() => hub[Symbol.asyncDispose]())

const folder = mkdtempSync(join(tmpdir(), 'boardcast-cli-test-'))
const node = process.execPath
const page = join(folder, 'page.html')
writeFileSync(page, '<p>text</p>\n')
const withoutShebang = join(folder, 'without-shebang')
writeFileSync(withoutShebang, 'echo "from a script"\n', { mode: 0o755 })

/** Runs a program in a pipeline, without `boardcast`. */
function alone(cmd: readonly string[]) {
  const [out, err, code] = ['out', 'err', 'code'].map((name) => join(folder, name)) as [string, string, string]
  // CMD's stdout and stderr are each the pipe of a `cat`.
  const script = '{ { "$@"; echo $? >"$CODE"; } 2>&1 >&3 3>&- | cat >"$ERR"; } 3>&1 | cat >"$OUT"'
  const clean = Object.entries(process.env).filter(([name]) => !/^(BOARDCAST_|PORT$|HOST$|NODE_OPTIONS$)/.test(name))
  const env = { ...Object.fromEntries(clean), OUT: out, ERR: err, CODE: code }
  spawnSync('sh', ['-c', script, 'sh', ...cmd], { stdio: ['ignore', 'ignore', 'ignore'], env })
  const stderr = readFileSync(err, 'utf8').replace(/^Terminated\n/m, '') // printed by the shell
  return { stdout: readFileSync(out), stderr, code: Number(readFileSync(code, 'utf8')) }
}

const shell = (text: string) => ['sh', '-c', text]
const script = (text: string) => [node, '-e', text]

test.each([
  ['opens /dev/stdout', shell('echo hi > /dev/stdout')],
  ['opens /dev/stderr, and fails', shell('echo hi > /dev/stderr; exit 3')],
  ['opens /dev/fd/1', shell('echo hi > /dev/fd/1')],
  ['is tee to stderr', shell('echo both | tee /dev/stderr')],
  ['is curl to stdout', ['curl', '-s', '-o', '/dev/stdout', `file://${page}`]],
  ['is dd to stdout', ['dd', 'if=/dev/zero', 'of=/dev/stdout', 'bs=1000', 'count=500', 'status=none']],
  ['is Node with a file', script('require("node:fs").writeFileSync("/dev/stdout", "from a file\\n")')],
  ['asks whether it has pipes', shell('test -p /dev/stdout && test -p /dev/stderr && echo pipes')],
  ['asks what it has', shell('readlink /proc/self/fd/1 | cut -d : -f 1; exec ls /proc/self/fd')],
  // 04000 is O_NONBLOCK.
  [
    'asks whether writing waits',
    shell('grep -h "flags:.*4...$" /proc/self/fdinfo/1 /proc/self/fdinfo/2 || echo it waits'),
  ],
  ['asks which signals are blocked or ignored', ['grep', '-E', 'Sig(Blk|Ign)', '/proc/self/status']],
  ['prints its environment', shell('env | grep -vE "^(_|OUT|ERR|CODE|SHLVL|PWD|OLDPWD)=" | sort')],
  ['prints no newline', shell('printf "one\\ntwo"; printf err >&2')],
  ['prints what is no text', script('process.stdout.write(Buffer.from([0, 255, 10, 0xc3, 13, 10, 0xe2, 0x82]))')],
  ['prints a line of a megabyte', script('process.stdout.write("é".repeat(600000) + "\\n")')],
  ['prints nothing', ['true']],
  ['prints more than a pipe holds and exits', ['head', '-c', '3000000', '/dev/zero']],
  ['has a reader that goes away', shell('yes | head -n 2')],
  ['ends by a signal', shell('echo last; kill -TERM $$')],
  ['ends by a broken pipe', shell('kill -PIPE $$')],
  ['ends with 255', shell('exit 255')],
  ['is a script without a first line', [withoutShebang]],
  ['reads its input', shell('cat; echo read')],
])('[RUN18] a program that %s', async (_, cmd) => {
  const wanted = alone(cmd)
  const run = runOnNewBoard(hub, cmd, { options: ['--quiet'] })
  const code = await run.program.ended
  expect({ code, stderr: run.program.stderr() }).toEqual({ code: wanted.code, stderr: wanted.stderr })
  const same = run.program.stdout().equals(wanted.stdout)
  expect(same || run.program.stdout().toString('latin1').slice(0, 2_000)).toBe(same || wanted.stdout.toString('latin1'))
  expect(await run.attempt()).toMatchObject({
    status: wanted.code === 0 ? 'succeeded' : 'failed',
    exitCode: wanted.code,
  })
})

test('[RUN18] stdin is inherited: a program under `run` reads the pipeline’s input', async () => {
  const cli = join(import.meta.dirname, '../../dist/cli.js')
  const words = ['run', '--url', hub.url, '--board', 'piped', '--title', 't', '-q', '--']
  const pipeline = 'set -o pipefail; printf "a\\nb" | "$@" sh -c "cat /dev/stdin; exit 5" | cat; echo $?'
  const { stdout } = await promisify(execFile)('bash', ['-c', pipeline, 'bash', node, cli, ...words])
  expect(stdout).toBe('a\nb5\n')
})

test('[RUN18] arguments and variables that are not UTF-8 reach the program unchanged', async () => {
  const cli = join(import.meta.dirname, '../../dist/cli.js')
  const words = ['run', '--url', hub.url, '--board', 'bytes', '--title', 't', '-q', '--']
  const inner = `sh -c 'printf "%s|" "$@" "$NAME"; exit 6' sh $'caf\\xe9\\n' '' "it's %d" '\\0101 $HOME' $'\\u00e9'`
  const script = `NAME=$'n\\xff' "$@" ${inner} | od -An -v -tx1; echo "\${PIPESTATUS[0]}"`
  const { stdout } = await promisify(execFile)('bash', ['-c', script, 'bash', node, cli, ...words], {
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  })
  const lines = stdout.trim().split('\n')
  expect(lines.pop()).toBe('6')
  const bytes = Buffer.from(lines.join('').replace(/\s/g, ''), 'hex').toString('latin1')
  expect(bytes).toBe("caf\xe9\n||it's %d|\\0101 $HOME|\xc3\xa9|n\xff|")
})

test.each([
  ['missing', { TMPDIR: '/nonexistent/folder' }],
  ['not for us', { TMPDIR: '/proc' }],
])('[RUN18] works with a temporary folder that is %s', async (_, env) => {
  const run = runOnNewBoard(hub, shell('echo hi > /dev/stdout'), { env })
  expect(await run.program.ended).toBe(0)
  expect(run.program.stdout().toString()).toBe('hi\n')
  expect(run.program.stderr()).not.toContain('sockets')
})

test('[RUN18] an empty program name: 127, as in a shell', async () => {
  const run = runOnNewBoard(hub, [''])
  expect(await run.program.ended).toBe(127)
  expect(await run.attempt()).toMatchObject({ status: 'failed', exitCode: 127 })
})
