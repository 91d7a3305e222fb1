/** The jobs of docs/ci.md, taken from the document and run in a project with the package, as a runner of CI runs them. */
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { freePort } from '../support/free-port.ts'
import { blocksOf, blockUnder } from '../support/markdown.ts'
import { MANIFEST, packWithoutDependencies, ROOT, Workplace } from '../support/package.ts'
import { startTestServer } from '../support/server.ts'

// Dozens of processes one after the other take their time on a busy machine.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const blocks = blocksOf('docs/ci.md')
const scenario = blockUnder(blocks, 'A project', 'yaml')

let folder: string
let template: Workplace
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-ci-'))
  // Where Node finds the dependencies of the package.
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  template = new Workplace(join(folder, 'template'), { npm_config_offline: 'true' })
  template.write('package.json', '{"private":true}')
  const { tarball } = packWithoutDependencies(folder)
  copyFileSync(tarball, join(template.folder, `boardcast-${MANIFEST.version}.tgz`))
  const made = await template.bash(blockUnder(blocks, 'A project', 'sh'))
  expect(made).toMatchObject({ code: 0 })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A clone of the project on a machine with nothing else, and a free port in place of 3000. */
async function checkout(name: string, env: Readonly<Record<string, string>> = {}): Promise<Workplace> {
  const project = new Workplace(join(folder, name), {
    npm_config_offline: 'true',
    PORT: String(await freePort()),
    GITHUB_ACTIONS: '',
    ...env,
  })
  for (const file of ['package.json', 'package-lock.json', `boardcast-${MANIFEST.version}.tgz`])
    copyFileSync(join(template.folder, file), join(project.folder, file))
  project.write('s.yaml', scenario)
  return project
}

/** From now on the agent does not say what is expected, and fails. */
function breakAgent(project: Workplace): void {
  const agent = "boardcast run --board demo --title 'Say hello' -- sh -c 'echo Goodbye; exit 3'"
  const { scripts: _, ...rest } = JSON.parse(project.read('package.json'))
  project.write('package.json', JSON.stringify({ ...rest, scripts: { agent } }))
}

/** The report, and exit code 8: the command failed. */
const FAILED = { code: 8, stderr: expect.stringMatching(/NOT MET .*\n(.*\n)*? {2}it says hello \(s\.yaml:\d+\)/) }
const ALL_MET = 'tests="4" failures="0" errors="0"'

/** The commands of the steps. The runner of GitHub executes each with `bash -e`. */
function stepsOf(job: string): string[] {
  const { jobs } = parse(job) as { jobs: Record<string, { steps: { run?: string }[] }> }
  return Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []))
}

test('[CMD39a] the job for GitHub Actions', async () => {
  using project = await checkout('github', { GITHUB_ACTIONS: 'true' })
  const steps = stepsOf(blockUnder(blocks, 'GitHub Actions', 'yaml'))
  expect(steps).toHaveLength(2)
  for (const step of steps) expect(await project.bash(step)).toMatchObject({ code: 0 })
  expect(project.read('s.xml')).toContain(ALL_MET)

  breakAgent(project)
  const failed = await project.bash(steps[1] ?? '')
  expect(failed).toMatchObject(FAILED)
  expect(failed.stderr).toMatch(/^::error file=s\.yaml,line=\d+,title=.*it says hello/m)
  expect(project.read('s.xml')).toContain('<failure')
})

test('[CMD39a] the job for GitLab', async () => {
  using project = await checkout('gitlab')
  const { events: job } = parse(blockUnder(blocks, 'GitLab', 'yaml')) as {
    events: { script: string[]; artifacts: { reports: { junit: string } } }
  }
  // The runner of GitLab executes all of them in one shell.
  const script = ['set -eo pipefail', ...job.script].join('\n')
  expect(await project.bash(script)).toMatchObject({ code: 0 })
  expect(project.read(job.artifacts.reports.junit)).toContain(ALL_MET)
})

test('[CMD39a] the shell script, which leaves neither a server nor a database', async () => {
  using project = await checkout('shell')
  cpSync(join(template.folder, 'node_modules'), join(project.folder, 'node_modules'), {
    recursive: true,
    verbatimSymlinks: true,
  })
  mkdirSync(join(project.folder, 'tmp'))
  const options = { env: { TMPDIR: join(project.folder, 'tmp') }, options: '' }
  const script = blockUnder(blocks, 'A shell script', 'bash')
  expect(await project.bash(script, options)).toMatchObject({ code: 0 })
  breakAgent(project)
  expect(await project.bash(script, options)).toMatchObject(FAILED)
  const left = await project.bash('ls -A tmp; ls *.db; npx boardcast cursor', options)
  expect(left).toEqual({ code: 5, stdout: '', stderr: expect.stringContaining("'*.db'") })
})

test('[CMD39a] the job that judges afterwards', async () => {
  await using server = await startTestServer()
  const job = blockUnder(blocks, 'Judging afterwards', 'yaml')
  const { env } = parse(job) as { env: Record<string, string> }
  expect(env).toEqual({ BOARDCAST_URL: '${{ vars.HUB_URL }}', BOARDCAST_TOKEN: '${{ secrets.HUB_TOKEN }}' })
  using project = await checkout('afterwards', { BOARDCAST_URL: server.url })
  const file = join(project.folder, 'env')
  project.write('env', '')
  const steps = stepsOf(job)
  expect(steps).toHaveLength(3)

  for (const step of steps) {
    const lines = project.read('env').trim().split('\n').filter(Boolean)
    const kept = Object.fromEntries(lines.map((line) => line.split('=', 2) as [string, string]))
    expect(await project.bash(step, { env: { ...kept, GITHUB_ENV: file } })).toMatchObject({ code: 0 })
  }
  // What came before does not count. Without `within` nothing is waited for.
  project.write('s.yaml', scenario.replace('within: 30s\n', ''))
  const { cursor } = await server.get<{ cursor: string }>('/cursor')
  const later = await project.bash(steps.at(-1) ?? '', { env: { SINCE: cursor } })
  expect(later).toMatchObject({ code: 1, stderr: expect.stringContaining('NOT MET') })
})
