/** What can be completed: commands, their options, and the names that follow them. */
import type { Command, Option } from 'commander'
import { catalogue } from '../../../shared/src/catalogue.ts'
import { UNSTORED } from '../../../shared/src/protocol.ts'
import { eventList } from '../../contract/index.ts'
import { apiOperations } from '../post/operations.ts'
import { DOCUMENTS } from '../schema/documents.ts'
import { THINGS } from '../wait/kinds.ts'

export interface Words {
  readonly commands: readonly CommandWord[]
}

export interface CommandWord {
  readonly name: string
  readonly description: string
  readonly options: readonly OptionWord[]
  /** What its first argument can be; none: anything, such as a file. */
  readonly first: readonly string[]
}

export interface OptionWord {
  readonly long: string
  readonly short: string | undefined
  readonly description: string
  /** `none`: nothing follows it; `file`: anything. */
  readonly value: 'none' | 'file' | readonly string[]
  /** Several values may follow it. */
  readonly isVariadic: boolean
}

/** Options that take the names of events, and lists of them. */
const OF_EVENTS: ReadonlySet<string> = new Set(['type', 'until', 'absent', 'only'])

export function wordsOf(program: Command): Words {
  const events = eventNames()
  const commands = program.commands.map((command): CommandWord => {
    const help = { long: '--help', short: '-h', description: 'display help', value: 'none', isVariadic: false } as const
    const options = command.options.flatMap((option): OptionWord[] => {
      if (option.long === undefined || option.hidden) return []
      const { long, short, description, variadic } = option
      return [{ long, short, description, value: valueAfter(command, option, events), isVariadic: variadic }]
    })
    const name = command.name()
    return { name, description: command.description(), options: [...options, help], first: firstOf(command) }
  })
  return { commands }
}

function valueAfter(command: Command, option: Option, events: readonly string[]): OptionWord['value'] {
  if (option.argChoices !== undefined) return option.argChoices
  if (OF_EVENTS.has(option.name())) return events
  if (command.name() === 'schema' && option.name() === 'channel') return kinds()
  return option.required || option.optional ? 'file' : 'none'
}

function firstOf(command: Command): readonly string[] {
  switch (command.name()) {
    case 'post':
      return apiOperations().known.map(({ name }) => name)
    case 'schema':
      return [...new Set(eventList().map(({ name }) => name)), ...DOCUMENTS]
    case 'wait':
      return THINGS
    case 'help':
      return command.parent?.commands.map((each) => each.name()) ?? []
    default:
      return command.registeredArguments[0]?.argChoices ?? []
  }
}

function kinds(): string[] {
  return [...new Set(eventList().map(({ kind }) => kind))]
}

/** Under their domain names and those of the channels. */
function eventNames(): string[] {
  const entries = Object.entries(catalogue).filter(([, { isPosted }]) => !isPosted)
  const names = entries.flatMap(([type, { to }]) => [type, ...to.map(({ event }) => event)])
  return [...new Set([...names, ...Object.values(UNSTORED)])].sort()
}
