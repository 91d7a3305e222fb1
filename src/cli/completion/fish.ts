import { quoted } from './quoted.ts'
import type { CommandWord, OptionWord, Words } from './words.ts'

export function fishScript({ commands }: Words): string {
  return `# fish completion of boardcast: boardcast completion fish | source\n${commands.flatMap(linesOf).join('\n')}\n`
}

function linesOf({ name, description, options, first }: CommandWord): string[] {
  const isFirst = `__fish_seen_subcommand_from ${name}; and test (count (commandline -opc)) -eq 2`
  return [
    `complete -c boardcast -n __fish_use_subcommand -f -a ${name} -d ${quoted(description)}`,
    ...(first.length > 0 ? [`complete -c boardcast -n ${quoted(isFirst)} -f -a ${quoted(first.join(' '))}`] : []),
    ...options.map((option) => optionLine(name, option)),
  ]
}

function optionLine(command: string, { long, short, description, value }: OptionWord): string {
  const condition = quoted(`__fish_seen_subcommand_from ${command}`)
  const names = `-l ${long.slice(2)}${short === undefined ? '' : ` -s ${short.slice(1)}`}`
  const given = value === 'none' ? '' : value === 'file' ? ' -r' : ` -x -a ${quoted(value.join(' '))}`
  return `complete -c boardcast -n ${condition} ${names} -d ${quoted(description)}${given}`
}
