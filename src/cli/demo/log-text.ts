import type { Random } from './random.ts'
import type { Story } from './stories.ts'

/** A log line as an agent's terminal would show it, with colours. */
export interface TerminalLine {
  readonly message: string
  readonly level?: 'info' | 'warn' | 'error'
  readonly stream?: 'stdout' | 'stderr'
}

const paint = (code: number) => (text: string) => `\u001b[${code}m${text}\u001b[0m`
const bold = paint(1)
const dim = paint(2)
const red = paint(31)
const green = paint(32)
const yellow = paint(33)
const blue = paint(34)
const cyan = paint(36)

export function setUpLines(branch: string, random: Random): readonly TerminalLine[] {
  return [
    { message: `${dim('$')} git worktree add ../trees/${branch.replace('/', '-')} -b ${branch} main` },
    { message: `Preparing worktree (new branch '${branch}')`, stream: 'stderr' },
    {
      message: `HEAD is now at ${yellow(random.hex(7))} ${random.pick(['Merge pull request', 'release: 4.18', 'chore: update dependencies'])}`,
    },
    { message: `${dim('$')} npm ci` },
    {
      message: `${yellow('npm warn')} deprecated glob@${random.between(7, 8)}.2.3: versions before v9 are no longer supported`,
      level: 'warn',
      stream: 'stderr',
    },
    { message: `added ${random.between(380, 640)} packages in ${random.between(4, 9)}s` },
  ]
}

export function readingLine(file: string, random: Random): TerminalLine {
  return { message: `${cyan('read')}  ${file} ${dim(`(${random.between(40, 380)} lines)`)}` }
}

export function searchLine(story: Story, random: Random): TerminalLine {
  return {
    message: `${cyan('grep')}  ${story.labels[0]} ${dim(`— ${random.between(3, 28)} matches in ${random.between(2, 9)} files`)}`,
  }
}

export function editLines(file: string, random: Random): readonly TerminalLine[] {
  const added = random.between(6, 48)
  const removed = random.between(1, 22)
  const at = random.between(12, 180)
  return [
    { message: `${blue('edit')}  ${bold(file)} ${green(`+${added}`)} ${red(`-${removed}`)}` },
    { message: dim(`      @@ -${at},${removed + 3} +${at},${added + 3} @@`) },
  ]
}

export function typeCheckLines(random: Random): readonly TerminalLine[] {
  return [
    { message: `${dim('$')} npm run typecheck` },
    { message: `${green('✓')} no errors ${dim(`(${random.between(2, 6)}.${random.between(0, 9)}s)`)}` },
  ]
}

/** The output of a test run; the test named `failing` fails. */
export function testLines(story: Story, random: Random, failing?: string): readonly TerminalLine[] {
  const file = story.files.find((name) => name.includes('.test.')) ?? 'src/smoke.test.ts'
  const others = ['src/orders/place.test.ts', 'src/catalogue/list.test.ts', 'src/mail/render.test.ts'] as const
  const passed = (name: string) =>
    ` ${green('✓')} ${name} ${dim(`(${random.between(4, 31)} tests)`)} ${random.between(18, 420)}${dim('ms')}`
  const count = random.between(180, 260)
  const summary =
    failing === undefined ? green(`${count} passed`) : `${red('1 failed')} ${dim('|')} ${green(`${count - 1} passed`)}`
  return [
    { message: `${dim('$')} npm test` },
    { message: passed(others[0]) },
    { message: passed(random.pick([others[1], others[2]])) },
    ...(failing === undefined
      ? [{ message: passed(file) }]
      : [
          { message: ` ${red('✗')} ${file} ${dim('›')} ${failing}`, level: 'error', stream: 'stderr' } as const,
          {
            message: red(
              `   AssertionError: expected ${random.between(1000, 1999)} to be ${random.between(2000, 2999)}`,
            ),
            level: 'error',
            stream: 'stderr',
          } as const,
        ]),
    { message: ` ${bold('Tests')}  ${summary} ${dim(`(${count})`)}` },
    { message: ` ${bold('Time')}   ${random.between(3, 14)}.${random.between(10, 99)}s` },
  ]
}

export function commitLines(branch: string, shortSha: string, subject: string): readonly TerminalLine[] {
  return [
    { message: `${dim('$')} git commit -am ${JSON.stringify(subject)}` },
    { message: `[${branch} ${yellow(shortSha)}] ${subject}` },
  ]
}

export function pushLines(branch: string, ok: boolean): readonly TerminalLine[] {
  const command = { message: `${dim('$')} git push -u origin ${branch}` }
  if (ok) return [command, { message: ` ${green('*')} [new branch]      ${branch} -> ${branch}`, stream: 'stderr' }]
  return [
    command,
    { message: `${red('error:')} RPC failed; HTTP 502 — the remote end hung up`, level: 'error', stream: 'stderr' },
  ]
}
