/** `boardcast completion`: a script for a shell. It holds all names, so that it needs neither this program nor a server. */
import type { Command } from 'commander'
import { bashScript } from './bash.ts'
import { fishScript } from './fish.ts'
import { wordsOf } from './words.ts'
import { zshScript } from './zsh.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript }

export function completionScript(shell: Shell, program: Command): string {
  return SCRIPTS[shell](wordsOf(program))
}
