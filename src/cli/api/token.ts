import { readFileSync } from 'node:fs'
import { CommandError, exitCode } from '../process/exit.ts'

/**
 * The token that `--token` gives, or reads from a file (`@FILE`), otherwise the variable's. Throws a CommandError if it
 * cannot be sent. No message contains a token: what is printed ends up in the logs of CI systems.
 */
export function tokenFrom(option: string | undefined, variable: string | undefined): string | undefined {
  if (option === undefined) return variable === undefined ? undefined : sendable(variable, 'BOARDCAST_TOKEN')
  if (!option.startsWith('@')) return sendable(option, '--token')
  const file = option.slice(1)
  return sendable(contentsOf(file), `the file ${JSON.stringify(file)} of --token`)
}

function contentsOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw new CommandError(exitCode.usage, `--token: cannot read the file ${JSON.stringify(file)} (${reason}).`)
  }
}

/** Without the white space around it. A header has printable ASCII only, and fetch would print what it rejects. */
function sendable(text: string, from: string): string {
  const token = text.trim()
  if (/^[\x21-\x7e]+$/.test(token)) return token
  const what = token === '' ? 'is empty' : 'holds characters that no token has'
  throw new CommandError(exitCode.usage, `The token in ${from} ${what}: use one line of printable ASCII.`)
}
