/** `boardcast doctor` as the built program, with the findings that it prints on a pipe. */
import { boardcast, type Program } from './program.ts'

export interface Line {
  readonly probe: string
  readonly verdict: string
  readonly measured: Readonly<Record<string, unknown>>
  readonly culprit?: string
  readonly fix?: string
}

export const HOME = { HOME: '/nonexistent' }

export async function ended(program: Program) {
  const code = await program.ended
  const stdout = program.stdout().toString()
  const lines = stdout.match(/^\{.*$/gm)?.map((line) => JSON.parse(line) as Line) ?? []
  return { code, stdout, stderr: program.stderr(), lines }
}

/** With these arguments. */
export function run(args: readonly string[]) {
  return ended(boardcast(['doctor', ...args], HOME))
}

export function withVerdict(lines: readonly Line[] | undefined, verdict: string): string[] {
  return (lines ?? []).filter((line) => line.verdict === verdict).map(({ probe }) => probe)
}
