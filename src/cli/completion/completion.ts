/** `boardcast completion`: a script for a shell. It holds all names, so that it needs neither this program nor a server. */
import type { Command } from 'commander'
import { catalogue } from '../../../shared/src/catalogue.ts'
import { UNSTORED } from '../../../shared/src/protocol.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

/** What can be completed. */
interface Words {
  readonly commands: ReadonlyMap<string, { readonly description: string; readonly options: readonly OptionWord[] }>
  readonly events: readonly string[]
}

interface OptionWord {
  readonly long: string
  readonly description: string
  /** What follows it: nothing, the name of an event, one of these words, or anything else. */
  readonly value: 'none' | 'event' | 'file' | readonly string[]
}

/** Options that take the names of events. */
const OF_EVENTS: ReadonlySet<string> = new Set(['type', 'until', 'absent', 'only'])

export function completionScript(shell: Shell, program: Command): string {
  const words = wordsOf(program)
  switch (shell) {
    case 'bash':
      return bashScript(words)
    case 'zsh':
      return zshScript(words)
    case 'fish':
      return fishScript(words)
  }
}

function wordsOf(program: Command): Words {
  const commands = program.commands.map((command) => {
    const options = command.options.flatMap((option): OptionWord[] => {
      if (option.long === undefined || option.hidden) return []
      const takesValue = option.required || option.optional
      const value = option.argChoices ?? (OF_EVENTS.has(option.name()) ? 'event' : takesValue ? 'file' : 'none')
      return [{ long: option.long, description: option.description, value }]
    })
    const help = { long: '--help', description: 'display help', value: 'none' } as const
    return [command.name(), { description: command.description(), options: [...options, help] }] as const
  })
  return { commands: new Map(commands), events: eventNames() }
}

/** Under their domain names and those of the channels. */
export function eventNames(): string[] {
  const entries = Object.entries(catalogue).filter(([, { isPosted }]) => !isPosted)
  const names = entries.flatMap(([type, { to }]) => [type, ...to.map(({ event }) => event)])
  return [...new Set([...names, ...Object.values(UNSTORED)])].sort()
}

function bashScript({ commands, events }: Words): string {
  const cases = [...commands].map(
    ([name, { options }]) => `    ${name}) words='${options.map(({ long }) => long).join(' ')}' ;;`,
  )
  return `# bash completion of boardcast: source <(boardcast completion bash)
_boardcast() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} words=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${[...commands.keys()].join(' ')}' -- "$current"))
    return
  fi
  case "$previous" in
${[...valueCases(commands)].map(([option, values]) => `    ${option}) COMPREPLY=($(compgen -W '${values === 'event' ? events.join(' ') : values.join(' ')}' -- "$current")); return ;;`).join('\n')}
  esac
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
  esac
  COMPREPLY=()
  if [ "\${current#-}" != "$current" ]; then COMPREPLY=($(compgen -W "$words" -- "$current")); fi
}
complete -o default -F _boardcast boardcast
`
}

/** Options whose values are known; an option has the same ones in every command. */
function valueCases(commands: Words['commands']): Map<string, 'event' | readonly string[]> {
  const found = new Map<string, 'event' | readonly string[]>()
  for (const { options } of commands.values()) {
    for (const { long, value } of options) if (value !== 'none' && value !== 'file') found.set(long, value)
  }
  return found
}

function zshScript({ commands, events }: Words): string {
  const described = [...commands].map(([name, { description }]) => `    ${quoted(`${name}:${description}`)}`)
  const cases = [...commands].map(([name, { options }]) => {
    const specs = options.map((option) => `      ${quoted(zshSpec(option))}`)
    return `    ${name}) _arguments -s \\\n${specs.join(' \\\n')} \\\n      '*:file:_files' ;;`
  })
  return `#compdef boardcast
# zsh completion of boardcast: boardcast completion zsh > "\${fpath[1]}/_boardcast"
_boardcast_events() { compadd -- ${events.join(' ')} }
_boardcast() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _boardcast ]; then _boardcast "$@"; else compdef _boardcast boardcast; fi
`
}

function zshSpec({ long, description, value }: OptionWord): string {
  const text = description.replace(/[[\]:]/g, ' ')
  if (value === 'none') return `${long}[${text}]`
  const action = value === 'event' ? '_boardcast_events' : value === 'file' ? '_files' : `(${value.join(' ')})`
  return `*${long}[${text}]:value:${action}`
}

function fishScript({ commands, events }: Words): string {
  const lines = [...commands].flatMap(([name, { description, options }]) => [
    `complete -c boardcast -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`,
    ...options.map((option) => {
      const values = option.value === 'event' ? events : option.value
      const given = typeof values === 'string' ? (values === 'none' ? '' : ' -r') : ` -x -a ${quoted(values.join(' '))}`
      return `complete -c boardcast -n '__fish_seen_subcommand_from ${name}' -l ${option.long.slice(2)} -d ${quoted(option.description)}${given}`
    }),
  ])
  return `# fish completion of boardcast: boardcast completion fish | source\n${lines.join('\n')}\n`
}

/** In single quotes, for a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
