import type { CommandWord, OptionWord, Words } from './words.ts'

export function bashScript({ commands }: Words): string {
  const pairs = commands.flatMap((command) => command.options.map((option) => [command, option] as const))
  const valued = pairs.filter(([, { value }]) => value !== 'none')
  const known = valued.flatMap(([command, option]) =>
    typeof option.value === 'string' ? [] : [`    ${pattern(command, option)}) words='${option.value.join(' ')}' ;;`],
  )
  const firsts = commands.filter(({ first }) => first.length > 0)
  return `# bash completion of boardcast: source <(boardcast completion bash)
_boardcast() {
  local current=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} option= words= place=0 i word
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W '${commands.map(({ name }) => name).join(' ')} --help --version' -- "$current"))
    return
  fi
  COMPREPLY=()
  for ((i = 2; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    case "$word" in
    --)
      # A program and its arguments.
      if [ "$((i + 1))" -eq "$COMP_CWORD" ]; then COMPREPLY=($(compgen -c -- "$current")); fi
      return
      ;;
    =) ;; # Readline splits --type=card.created at the sign.
    -*) option=$word ;;
    *)
      case "$command $option" in
${casesOf(valued.filter(([, { isVariadic }]) => isVariadic))
  .map((each) => `      ${each}) ;;`)
  .join('\n')}
${casesOf(valued.filter(([, { isVariadic }]) => !isVariadic))
  .map((each) => `      ${each}) option= ;;`)
  .join('\n')}
      *)
        option=
        place=$((place + 1))
        ;;
      esac
      ;;
    esac
  done
  if [ "$current" = = ]; then current=; fi
  case "$command $option" in
${known.join('\n')}
${casesOf(valued.filter(([, { value }]) => value === 'file'))
  .map((each) => `    ${each}) return ;;`)
  .join('\n')}
  esac
  if [ "\${current#-}" != "$current" ]; then
    case "$command" in
${commands.map(({ name, options }) => `    ${name}) words='${options.map(({ long }) => long).join(' ')}' ;;`).join('\n')}
    esac
  elif [ -z "$words" ] && [ "$place" -eq 0 ]; then
    case "$command" in
${firsts.map(({ name, first }) => `    ${name}) words='${first.join(' ')}' ;;`).join('\n')}
    esac
  fi
  local before=
  case "$current" in *,*) before=\${current%,*}, ;; esac
  COMPREPLY=($(compgen -P "$before" -W "$words" -- "\${current#"$before"}"))
}
complete -o default -F _boardcast boardcast
`
}

function casesOf(pairs: ReadonlyArray<readonly [CommandWord, OptionWord]>): string[] {
  return pairs.length === 0 ? [] : [pairs.map(([command, option]) => pattern(command, option)).join('|')]
}

/** As the script compares it. */
function pattern({ name }: CommandWord, { long, short }: OptionWord): string {
  return [long, ...(short === undefined ? [] : [short])].map((option) => `'${name} ${option}'`).join('|')
}
