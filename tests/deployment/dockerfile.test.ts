/**
 * The Dockerfile, as far as it can be tried without an engine: what its last stage starts, with its environment and as a user
 * without rights. With BOARDCAST_TEST_IMAGE=1 its RUN and COPY lines are carried out too, in empty folders in place of the
 * images; that installs all dependencies, and may compile the driver of SQLite.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.ts'
import { cleanEnv, ROOT } from '../support/package.ts'

interface Instruction {
  readonly name: string
  readonly rest: string
}

interface Stage {
  readonly name: string
  readonly image: string
  readonly instructions: readonly Instruction[]
}

function stagesOf(text: string): Stage[] {
  const lines = text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  const stages: { name: string; image: string; instructions: Instruction[] }[] = []
  for (const line of lines) {
    const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
    const from = name === 'FROM' ? /^(\S+)(?: AS (\w+))?$/.exec(rest) : null
    if (from) stages.push({ name: from[2] ?? '', image: from[1] ?? '', instructions: [] })
    else stages.at(-1)?.instructions.push({ name, rest })
  }
  return stages
}

const stages = stagesOf(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))
const final = stages.at(-1) as Stage

function lastOf(name: string): string {
  return final.instructions.findLast((each) => each.name === name)?.rest ?? ''
}

function environmentOf({ instructions }: Stage): Record<string, string> {
  const pairs = instructions.filter(({ name }) => name === 'ENV').flatMap(({ rest }) => rest.split(' '))
  return Object.fromEntries(pairs.map((pair) => pair.split('=', 2)))
}

const isRoot = process.getuid?.() === 0
/** That of `node` in the images of Node. */
const USER = 1000

interface Container {
  readonly data: string
  run(words: readonly string[]): { code: number | null; stderr: string }
  start(words: readonly string[]): ReturnType<typeof spawn>
}

/** `program`: what `boardcast` leads to. */
async function container(program: string, env: Readonly<Record<string, string>>): Promise<Container> {
  const data = mkdtempSync(join(tmpdir(), 'boardcast-volume-'))
  const bin = mkdtempSync(join(tmpdir(), 'boardcast-bin-'))
  for (const folder of [data, bin]) onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(bin, 'boardcast'), `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`)
  for (const path of [bin, join(bin, 'boardcast')]) chmodSync(path, 0o755)
  if (isRoot) chownSync(data, USER, USER)
  const options = {
    cwd: '/',
    ...(isRoot && { uid: USER, gid: USER }),
    env: {
      ...cleanEnv(),
      ...environmentOf(final),
      BOARDCAST_DB: environmentOf(final).BOARDCAST_DB?.replace(lastOf('VOLUME'), data),
      PORT: String(await freePort()),
      HOME: data,
      PATH: `${bin}:${process.env.PATH}`,
      ...env,
    },
  } as const
  return {
    data,
    run([command = '', ...args]) {
      const { status, stderr } = spawnSync(command, args, { ...options, encoding: 'utf8', timeout: 30_000 })
      return { code: status, stderr }
    },
    start([command = '', ...args]) {
      const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
      onTestFinished(() => void child.kill('SIGKILL'))
      return child
    },
  }
}

const COMMAND: readonly string[] = [...JSON.parse(lastOf('ENTRYPOINT')), ...JSON.parse(lastOf('CMD'))]
const HEALTH = ['sh', '-c', /CMD (.*)$/.exec(lastOf('HEALTHCHECK'))?.[1] ?? '']
const TOKEN = { BOARDCAST_TOKEN: 'a-password-for-this-test' }

async function tryOut(program: string): Promise<void> {
  const keyless = await container(program, {})
  expect(keyless.run(COMMAND)).toEqual({ code: 2, stderr: expect.stringMatching(/BOARDCAST_TOKEN|BOARDCAST_AUTH/) })
  expect(readdirSync(keyless.data)).toEqual([])

  const image = await container(program, TOKEN)
  const server = image.start(COMMAND)
  const ended = new Promise<number | null>((resolve) => server.once('exit', resolve))
  await Promise.race([new Promise((resolve) => server.stdout?.once('data', resolve)), ended])
  expect(image.run(HEALTH)).toEqual({ code: 0, stderr: '' })
  expect(existsSync(join(image.data, 'boardcast.db'))).toBe(true)
  server.kill(lastOf('STOPSIGNAL') as NodeJS.Signals)
  expect(await ended).toBe(0)
  expect(image.run(HEALTH).code).toBe(1)
}

test('[OPS23] it starts with a key only, is healthy while it serves, and its stop signal drains', async () => {
  expect(lastOf('USER')).toBe('node')
  await tryOut(join(ROOT, 'dist/cli.js'))
})

/** Carries out the stages in empty folders: paths of the images become paths below them. */
class Build {
  readonly #folder: string
  readonly #context: string

  constructor(folder: string) {
    this.#folder = folder
    this.#context = join(folder, 'context')
    const files = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' }).split('\0').filter(Boolean)
    for (const file of files.filter((name) => isSent(name))) {
      cpSync(join(ROOT, file), join(this.#context, file), { recursive: true })
    }
  }

  rootOf(stage: Stage): string {
    return join(this.#folder, stage.name || 'final')
  }

  carryOut(stage: Stage): void {
    const root = this.rootOf(stage)
    let workdir = root
    for (const { name, rest } of stage.instructions) {
      if (name === 'WORKDIR') {
        workdir = join(root, rest)
        mkdirSync(workdir, { recursive: true })
      } else if (name === 'COPY') {
        this.#copy(rest, workdir)
      } else if (name === 'RUN') {
        // The user of the image is not here, and the folders of the image lie below the root.
        const command = rest
          .replaceAll('-o node -g node', `-o ${USER} -g ${USER}`)
          .replaceAll(/(?<=\s)\/(?=opt|usr|data)/g, `${root}/`)
        mkdirSync(join(root, 'usr/local/bin'), { recursive: true })
        execFileSync('sh', ['-c', command], { cwd: workdir, env: { ...cleanEnv(), ...environmentOf(stage) } })
      }
    }
  }

  #copy(rest: string, workdir: string): void {
    const [, from = '', paths = ''] = /^(?:--from=(\w+) )?(.*)$/.exec(rest) ?? []
    const words = paths.split(' ')
    const target = join(workdir, words.at(-1) ?? '')
    const source = from === '' ? this.#context : join(this.#folder, from)
    for (const word of words.slice(0, -1)) {
      const name = word.split('/').at(-1) ?? ''
      const isFile = statSync(join(source, word)).isFile()
      cpSync(join(source, word), isFile ? join(target, name) : target, { recursive: true, verbatimSymlinks: true })
    }
  }
}

/** Whether .dockerignore lets a file through: its lines are those of the top folder. */
function isSent(path: string): boolean {
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
  const allowed = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
  const [top = ''] = path.split('/')
  return allowed.some((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`).test(top))
}

test.skipIf(!process.env.BOARDCAST_TEST_IMAGE || !isRoot)(
  '[OPS23] every line can be carried out from what is sent to the engine',
  { timeout: 900_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'boardcast-image-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    chmodSync(folder, 0o755)
    const build = new Build(folder)
    for (const stage of stages) build.carryOut(stage)
    expect(stages.map(({ image }) => image)).toEqual(['node:22-bookworm', 'node:22-bookworm-slim'])
    await tryOut(join(build.rootOf(final), 'opt/boardcast/dist/cli.js'))
  },
)
