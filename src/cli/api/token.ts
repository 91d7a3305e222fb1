/** The token of the commands that are clients. No message contains one: what is printed ends up in the logs of CI systems. */
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { CommandError, exitCode } from '../process/exit.ts'

/** In bytes. Servers accept 8,192 characters. */
const MAX_FILE_BYTES = 65_536

export interface TokenSource {
  /** undefined: there is none. */
  current(): string | undefined
  /** After a refusal of `used`: reads the file again. Whether there is another token by now. */
  renewed(used: string | undefined): boolean
}

/**
 * The token that `--token` gives, or reads from a file (`@FILE`), otherwise the variable's. Throws a CommandError if it
 * cannot be sent.
 */
export function tokenFrom(option: string | undefined, variable: string | undefined): TokenSource {
  if (option === undefined) return fixed(variable === undefined ? undefined : sendable(variable, 'BOARDCAST_TOKEN'))
  return option.startsWith('@') ? fromFile(option.slice(1)) : fixed(sendable(option, '--token'))
}

export function fixed(token: string | undefined): TokenSource {
  return { current: () => token, renewed: () => false }
}

function fromFile(file: string): TokenSource {
  if (file === '') throw usage('--token @ names no file: write --token @FILE.')
  let token = tokenIn(file)
  return {
    current: () => token,
    renewed(used) {
      try {
        // A pipe has been read to its end, and reading a named one again would wait for a writer.
        if (statSync(file).isFile()) token = tokenIn(file)
      } catch {
        // It is being written just now, or is gone: the refusal says more.
      }
      return token !== used
    },
  }
}

function tokenIn(file: string): string {
  return sendable(contentsOf(file), `the file ${JSON.stringify(file)} of --token`)
}

function contentsOf(file: string): string {
  const bytes = Buffer.alloc(MAX_FILE_BYTES)
  let length = 0
  try {
    const fd = openSync(file, 'r')
    try {
      for (let read = 1; read > 0 && length < bytes.length; length += read) {
        read = readSync(fd, bytes, length, bytes.length - length, null)
      }
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    throw usage(
      `--token: cannot read the file ${JSON.stringify(file)} (${reason}). Name a file that holds the token and that you may read.`,
    )
  }
  if (length < bytes.length) return bytes.toString('utf8', 0, length)
  throw usage(
    `--token: the file ${JSON.stringify(file)} is longer than any token. Name a file that holds the token alone.`,
  )
}

/** Without the white space around it. A header has printable ASCII only, and fetch would print what it rejects. */
function sendable(text: string, from: string): string {
  const token = text.trim()
  if (/^[\x21-\x7e]+$/.test(token)) return token
  const what = token === '' ? 'is empty' : 'holds characters that no token has'
  throw usage(`The token in ${from} ${what}: use one line of printable ASCII.`)
}

function usage(message: string): CommandError {
  return new CommandError(exitCode.usage, message)
}
