/** Where the options of a command get their values: the command line, a variable, the profile, or a default. */
import { type Command, InvalidArgumentError, type Option } from 'commander'
import { readVariable } from '../process/environment.ts'
import { usageError } from '../process/exit.ts'
import { currentProfile, type Profile, withVariables } from './profile.ts'
import type { Setting } from './profile-schema.ts'

/** The variables of options, by their long names. A command reads its variables by itself. */
const VARIABLES: Readonly<Record<string, string>> = {
  url: 'BOARDCAST_URL',
  token: 'BOARDCAST_TOKEN',
  profile: 'BOARDCAST_PROFILE',
  port: 'PORT',
  host: 'HOST',
  db: 'BOARDCAST_DB',
  'database-url': 'BOARDCAST_DATABASE_URL',
}

export function variableOf(name: string): string | undefined {
  return VARIABLES[name]
}

/** Gives the options of a command that are set nowhere else their values from the profile. */
export async function applyProfile(command: Command): Promise<void> {
  const chosen: unknown = command.getOptionValue('profile')
  const profile = await currentProfile(typeof chosen === 'string' ? chosen : undefined)
  if (profile === undefined) return
  for (const [name, value] of Object.entries(profile.settings)) {
    const option = command.options.find(({ long, negate }) => long === `--${name}` && !negate)
    if (option === undefined || name === 'profile' || !isFree(command, option)) continue
    const given = parsedSetting(option, value, profile)
    if (given !== undefined) command.setOptionValueWithSource(option.attributeName(), given, 'config')
  }
}

/** Whether nothing that precedes the profile sets the option, or excludes it. */
function isFree(command: Command, option: Option): boolean {
  const variable = VARIABLES[option.name()]
  if (variable !== undefined && readVariable(variable) !== undefined) return false
  const set = command.options.filter((other) => command.getOptionValueSource(other.attributeName()) === 'cli')
  return set.every(
    (other) => other.attributeName() !== option.attributeName() && !excludes(other, option) && !excludes(option, other),
  )
}

function excludes(option: Option, other: Option): boolean {
  // Not in the types, but that is where `conflicts` keeps them.
  const conflicts: unknown = Reflect.get(option, 'conflictsWith')
  return Array.isArray(conflicts) && conflicts.includes(other.attributeName())
}

function parsedSetting(option: Option, value: Setting, { file, name }: Profile): unknown {
  const at = `${file}: ${name}.${option.name()}`
  if (option.isBoolean()) {
    if (typeof value === 'boolean') return value || undefined
    throw usageError(`${at} must be true or false.`)
  }
  const texts = (Array.isArray(value) ? value : [value]).map((part) => {
    const { text, missing } = withVariables(String(part))
    if (missing === undefined) return text
    throw usageError(`${at}: the variable ${missing} is not set. Set it, or give --${option.name()}.`)
  })
  if (texts.length !== 1 && !option.variadic) throw usageError(`${at} must be one value.`)
  try {
    const parse = option.parseArg
    if (parse) return texts.reduce<unknown>((previous, text) => parse(text, previous), undefined)
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error
    throw usageError(`${at}: ${error.message}`)
  }
  return option.variadic ? texts : texts[0]
}
