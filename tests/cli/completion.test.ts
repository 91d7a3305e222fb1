/** `boardcast completion`: the scripts in the shells that they are for. Rule CMD9b of docs/cli.md. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boardcast } from './support/program.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'boardcast-completion-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const scripts = new Map<string, Promise<string>>()

/** The path of the script. */
function scriptFor(shell: string): Promise<string> {
  const script = scripts.get(shell) ?? writeScript(shell)
  scripts.set(shell, script)
  return script
}

async function writeScript(shell: string): Promise<string> {
  const program = boardcast(['completion', shell], { HOME: folder, BOARDCAST_URL: 'http://127.0.0.1:1' })
  expect(await program.ended).toBe(0)
  const path = join(folder, shell === 'zsh' ? '_boardcast' : `boardcast.${shell}`)
  writeFileSync(path, program.stdout())
  return path
}

const execute = promisify(execFile)

function isInstalled(shell: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${shell}`])
    return true
  } catch {
    return false
  }
}

describe('bash', () => {
  /** What is offered for the last word. */
  async function complete(...line: string[]): Promise<string[]> {
    const script = await scriptFor('bash')
    const words = line.map((word) => `'${word}'`).join(' ')
    const text = `source ${script}; COMP_WORDS=(boardcast ${words}); COMP_CWORD=${line.length}; _boardcast; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout } = await execute('bash', ['--norc', '-c', text])
    return stdout.split('\n').filter((word) => word !== '')
  }

  test('[CMD9b] commands, options, their values, operations and names of events', async () => {
    expect(await complete('ta')).toEqual(['tail'])
    expect(await complete('sche')).toEqual(['schema'])
    expect(await complete('tail', '--no-f')).toEqual(['--no-follow'])
    expect(await complete('tail', '--transport', 'w')).toEqual(['ws'])
    // Formats differ between commands.
    expect(await complete('tail', '--format', '')).toEqual(['pretty', 'jsonl', 'raw'])
    expect(await complete('expect', '--format', '')).toEqual(['pretty', 'json'])
    expect(await complete('post', 'createC')).toEqual(['createColumn', 'createCard'])
    expect(await complete('post', '--timeout', '1s', 'deleteCa')).toEqual(['deleteCard'])
    expect(await complete('wait', 's')).toEqual(['session', 'server'])
    expect(await complete('schema', 'card.m')).toEqual(['card.moved'])
    expect(await complete('schema', '--channel', 'bo')).toEqual(['board'])
    for (const option of ['--type', '--until']) {
      expect(await complete('tail', option, 'card.c'), option).toEqual(['card.created'])
    }
    for (const option of ['--type', '--absent', '--only']) {
      expect(await complete('expect', option, 'card.c'), option).toEqual(['card.created'])
    }
  })

  test('[CMD9b] lists with commas, several values, and values after a sign of equality', async () => {
    expect(await complete('tail', '--type', 'card.created,card.mo')).toEqual(['card.created,card.moved'])
    expect(await complete('tail', '--type', 'card.created', 'card.mo')).toEqual(['card.moved'])
    expect(await complete('tail', '--type', '=', 'card.mo')).toEqual(['card.moved'])
    expect(await complete('tail', '--type', '=')).toContain('card.moved')
  })

  test('[CMD9b] in a shell at a terminal', async () => {
    const script = await scriptFor('bash')
    // The last line asks for two completions and runs the command, which prints what it was given.
    const typed = `boardcast() { printf '<%s>' "$@"; }; source ${script}\nboardcast post deleteCar\t cardId=c\nexit\n`
    writeFileSync(join(folder, 'typed'), typed)
    const shell = 'bash --norc --noprofile -i'
    const { stdout } = await execute('sh', ['-c', `script -qec '${shell}' /dev/null < typed`], { cwd: folder })
    expect(stdout).toContain('<post><deleteCard><cardId=c>')
  })
})

describe.skipIf(!isInstalled('fish'))('fish (skipped where fish is not installed)', () => {
  test('[CMD9b] commands, options, operations and names of events', async () => {
    const script = await scriptFor('fish')
    async function complete(line: string): Promise<string[]> {
      const text = `source ${script}; complete -C '${line}'`
      const { stdout } = await execute('fish', ['--no-config', '-c', text], { env: { ...process.env, HOME: folder } })
      return stdout
        .split('\n')
        .flatMap((row) => row.split('\t')[0] ?? [])
        .filter((word) => word !== '')
    }
    expect(await complete('boardcast ta')).toEqual(['tail'])
    expect(await complete('boardcast tail --no-f')).toEqual(['--no-follow'])
    expect(await complete('boardcast tail --type card.c')).toEqual(['card.created'])
    expect(await complete('boardcast post deleteCa')).toEqual(['deleteCard'])
    expect(await complete('boardcast schema card.m')).toEqual(['card.moved'])
  })
})

describe.skipIf(!isInstalled('zsh'))('zsh (skipped where zsh is not installed)', () => {
  test('[CMD9b] commands, options, operations and names of events', async () => {
    await scriptFor('zsh')
    // Completes the line as a shell at a terminal would, and prints it.
    const setUp = [
      `PS1=; fpath=(${folder} $fpath); autoload -Uz compinit; compinit -D -u`,
      `boardcast() { printf '<%s>' "$@"; }`,
    ].join('; ')
    const lines = [
      'boardcast ta\t --no-f\t --type card.cr\t',
      'boardcast post deleteCar\t',
      'boardcast schema card.mo\t',
      'boardcast tail --type card.created,card.mo\t',
    ]
    writeFileSync(join(folder, 'typed'), `${setUp}\n${lines.join('\n')}\nexit\n`)
    const { stdout } = await execute('sh', ['-c', `script -qec 'zsh -f -i' /dev/null < typed`], { cwd: folder })
    expect(stdout).toContain('<tail><--no-follow><--type><card.created>')
    expect(stdout).toContain('<post><deleteCard>')
    expect(stdout).toContain('<schema><card.moved>')
    expect(stdout).toContain('<tail><--type><card.created,card.moved>')
  })
})

test('[CMD9b] another shell is refused', async () => {
  const program = boardcast(['completion', 'tcsh'])
  expect(await program.ended).toBe(2)
  expect(program.stderr()).toContain('Allowed choices are bash, zsh, fish')
})
