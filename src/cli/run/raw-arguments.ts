import { readFileSync } from 'node:fs'
import { environmentValues } from '../process/environment.ts'

// File names need not be UTF-8, but Node decodes arguments as strings: invalid bytes become U+FFFD in `process.argv`, and
// the program would receive that. On Linux the original bytes are in /proc. If an argument or variable has such bytes, a
// shell rebuilds them and then executes the program.

/** The command itself, or a shell command that runs it with the original bytes. */
export function withRawArguments(cmd: readonly string[]): readonly string[] {
  if (![...cmd, ...environmentValues()].some((text) => text.includes('\ufffd'))) return cmd
  try {
    const words = entriesOf('/proc/self/cmdline').slice(-cmd.length)
    const variables = entriesOf('/proc/self/environ').filter((entry) => !isUtf8(entry))
    if (variables.length === 0 && words.every(isUtf8)) return cmd
    return ['/bin/sh', '-c', scriptOf(words, variables)]
  } catch {
    return cmd // not Linux
  }
}

function entriesOf(path: string): string[] {
  return readFileSync(path, 'latin1').split('\0').slice(0, -1)
}

/** The strings here are binary: each character is a byte. */
function isUtf8(bytes: string): boolean {
  const buffer = Buffer.from(bytes, 'latin1')
  return Buffer.from(buffer.toString('utf8')).equals(buffer)
}

function scriptOf(words: readonly string[], variables: readonly string[]): string {
  const lines: string[] = []
  for (const variable of variables) {
    const [, name, value = ''] = /^([A-Za-z_]\w*)=(.*)$/s.exec(variable) ?? []
    if (name !== undefined) lines.push(`${name}=${printed(value)}; export ${name}="\${${name}%x}"`)
  }
  lines.push(`set -- ${words.map(printed).join(' ')}`)
  lines.push(`exec ${words.map((_, at) => `"\${${at + 1}%x}"`).join(' ')}`)
  return lines.join('\n')
}

/** Appends an `x`, which the script removes again: a shell strips trailing newlines from command output. */
function printed(bytes: string): string {
  const octal = (byte: string) => `\\0${byte.charCodeAt(0).toString(8).padStart(3, '0')}`
  return `"$(printf %b '${bytes.replace(/[^\w./-]/g, octal)}x')"`
}
