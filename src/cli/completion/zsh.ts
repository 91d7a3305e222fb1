import { quoted } from './quoted.ts'
import type { CommandWord, OptionWord, Words } from './words.ts'

export function zshScript({ commands }: Words): string {
  return `#compdef boardcast
# zsh completion of boardcast: boardcast completion zsh > "\${fpath[1]}/_boardcast"
_boardcast() {
  local -a commands
  commands=(
${commands.map(({ name, description }) => `    ${quoted(`${name}:${description}`)}`).join('\n')}
  )
  if (( CURRENT == 2 )); then _describe command commands; return; fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(caseOf).join('\n')}
  esac
}
if [ "$funcstack[1]" = _boardcast ]; then _boardcast "$@"; else compdef _boardcast boardcast; fi
`
}

function caseOf({ name, options, first }: CommandWord): string {
  const positional = first.length === 0 ? [] : [`1:word:(${first.join(' ')})`]
  const specs = [...options.map(specOf), ...positional, '*:file:_files'].map((spec) => `      ${quoted(spec)}`)
  return `    ${name}) _arguments -s \\\n${specs.join(' \\\n')} ;;`
}

function specOf({ long, description, value }: OptionWord): string {
  const text = description.replace(/[[\]:]/g, ' ')
  if (value === 'none') return `${long}[${text}]`
  // Names may be joined with commas.
  return `*${long}=[${text}]:value:${value === 'file' ? '_files' : `_sequence compadd - ${value.join(' ')}`}`
}
