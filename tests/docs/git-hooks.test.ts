/** The git hooks of examples/git-hooks, in real repositories, installed as docs/ci.md says. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeBoard } from '../support/board.ts'
import { blocksOf, blockUnder } from '../support/markdown.ts'
import { ROOT, Workplace } from '../support/package.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

const blocks = blocksOf('docs/ci.md')

let folder: string
let server: TestServer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-hooks-'))
  server = await startTestServer()
  await makeBoard(server, 'demo')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** A repository of a project with the package, and with the hook as the document installs it. */
async function repository(name: string): Promise<Workplace> {
  const modules = join(folder, name, 'node_modules')
  mkdirSync(join(modules, '.bin'), { recursive: true })
  symlinkSync(ROOT, join(modules, 'boardcast'))
  const program = join(modules, '.bin/boardcast')
  writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'dist/cli.js')}" "$@"\n`)
  chmodSync(program, 0o755)
  const project = new Workplace(join(folder, name), {
    BOARDCAST_URL: server.url,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'Ann "O\'Neil" Lee',
    GIT_AUTHOR_EMAIL: 'ann@example.com',
    GIT_COMMITTER_NAME: 'Ann',
    GIT_COMMITTER_EMAIL: 'ann@example.com',
  })
  await succeeded(project, 'git init --quiet --initial-branch=main .')
  await succeeded(project, blockUnder(blocks, 'Git hooks', 'sh'))
  return project
}

async function succeeded(work: Workplace, script: string, env: Readonly<Record<string, string>> = {}) {
  const ending = await work.bash(script, { env })
  expect(ending).toMatchObject({ code: 0 })
  return ending
}

async function reported(type: string): Promise<unknown[]> {
  const { events } = await server.get<{ events: { data: unknown }[] }>(
    `/events?channels=global&types=${type}&limit=1000`,
  )
  return events.map(({ data }) => data)
}

const commit = (subject: string) => `git commit --quiet --allow-empty --message ${JSON.stringify(subject)}`

test('[CMD39c] a commit is posted, whatever its subject; without a board nothing is', async () => {
  const project = await repository('commits')
  const subject = "Fix: `id` and $HOME, 你好 = 'x' := [1]"
  project.write('message', `${subject}\n\nAnd why.\n`)
  const { stderr } = await succeeded(project, 'git commit --quiet --allow-empty --file message')
  expect(stderr).toBe('')
  const { stdout: sha } = await succeeded(project, 'git rev-parse --short HEAD')
  const expected = { boardId: 'demo', shortSha: sha.trim(), subject, author: 'Ann "O\'Neil" Lee' }
  expect(await reported('git.commit.created')).toEqual([expect.objectContaining(expected)])

  await succeeded(project, `git config --unset boardcast.board\n${commit('Unseen')}`)
  expect(await reported('git.commit.created')).toHaveLength(1)
})

test('[CMD39c] a server that is away, and a board that does not exist, prevent no commit', async () => {
  const project = await repository('away')
  const before = await reported('git.commit.created')
  for (const [script, env] of [
    [commit('Nobody there'), { BOARDCAST_URL: 'http://127.0.0.1:9' }],
    [`git config boardcast.board no-such\n${commit('No board')}`, {}],
  ] as const) {
    const { stderr } = await succeeded(project, script, env)
    expect(stderr).toMatch(/^boardcast: .+\n(.+\n)*boardcast: this commit is not on the board\n$/)
  }
  expect((await succeeded(project, 'git log --format=%s')).stdout).toBe('No board\nNobody there\n')
  expect(await reported('git.commit.created')).toEqual(before)
})

test('[CMD39c] every branch that is pushed is posted, and no tag and no deletion', async () => {
  const project = await repository('pushes')
  const path = `${join(project.folder, 'node_modules/.bin')}:${process.env.PATH}`
  await succeeded(project, `git init --quiet --bare ../hub.git\ngit remote add origin ../hub.git\n${commit('First')}`)
  const hub = join(folder, 'hub.git')
  copyFileSync(join(ROOT, 'examples/git-hooks/post-receive'), join(hub, 'hooks/post-receive'))
  await succeeded(project, 'git -C ../hub.git config boardcast.board demo')

  await succeeded(project, 'git branch side/line\ngit tag v1\ngit push --quiet origin main side/line v1', {
    PATH: path,
  })
  const pushed = ['main', 'side/line'].map((branch) => expect.objectContaining({ remote: 'hub.git', branch }))
  expect(await reported('git.push.completed')).toEqual(pushed)

  await succeeded(project, 'git push --quiet origin --delete side/line', { PATH: path })
  expect(await reported('git.push.completed')).toHaveLength(2)
  const away = { PATH: path, BOARDCAST_URL: 'http://127.0.0.1:9' }
  const { stderr } = await succeeded(project, `${commit('Second')}\ngit push --quiet origin main`, away)
  expect(stderr).toContain('remote: boardcast: the push of main is not on the board')
  expect((await succeeded(project, 'git -C ../hub.git log -1 --format=%s main')).stdout).toBe('Second\n')
})

test('[CMD39c] the job that posts a push', async () => {
  const [job] = blocks.filter(({ heading, language }) => heading === 'Git hooks' && language === 'yaml')
  const command = /run: npm ci && npx (.*)$/m.exec(job?.code ?? '')?.[1] ?? ''
  const project = await repository('job')
  await succeeded(project, `./node_modules/.bin/${command}`, { GITHUB_REF_NAME: 'feature/x' })
  expect((await reported('git.push.completed')).at(-1)).toMatchObject({ remote: 'origin', branch: 'feature/x' })
})
