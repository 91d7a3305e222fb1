/** `boardcast config`: the settings in force, and where each comes from. */
import type { Command } from 'commander'
import { jsonLine } from '../../text/json-line.ts'
import { printable } from '../../text/printable.ts'
import { readVariable } from '../process/environment.ts'
import { dataOutput, type OutputOptions } from '../process/output.ts'
import { currentProfile, type Profile, withVariables } from './profile.ts'
import { variableOf } from './sources.ts'

interface ShownSetting {
  readonly name: string
  /** null: it has no value. */
  readonly value: unknown
  readonly source: string
}

/** Shown whether or not they are set, with their defaults. */
const DEFAULTS: Readonly<Record<string, string | null>> = {
  profile: null,
  url: null,
  token: null,
  'wait-server': '0s',
  color: 'on a terminal',
  port: '3000',
  host: '127.0.0.1',
  db: './boardcast.db',
  'database-url': null,
  key: null,
}

const SECRETS: ReadonlySet<string> = new Set(['token', 'key'])
const MASK = '********'

export async function config(command: Command): Promise<void> {
  const output = command.opts<OutputOptions>()
  const chosen: unknown = command.getOptionValue('profile')
  const profile = await currentProfile(typeof chosen === 'string' ? chosen : undefined)
  const names = new Set([...Object.keys(DEFAULTS), ...Object.keys(profile?.settings ?? {})])
  const settings = [...names].map((name) => settingOf(name, command, profile))
  const data = dataOutput(output)
  const width = Math.max(...settings.map(({ name }) => name.length))
  for (const setting of settings) {
    await data.write(`${data.isLaidOut ? data.fit(lineOf(setting, width, data.paint)) : jsonLine(setting)}\n`)
  }
}

function lineOf({ name, value, source }: ShownSetting, width: number, paint: (style: 'dim', text: string) => string) {
  const text = value === null ? '-' : typeof value === 'string' ? value : JSON.stringify(value)
  return `${name.padEnd(width)}  ${printable(text)}  ${paint('dim', printable(source))}`
}

/** In the order of precedence. */
function settingOf(name: string, command: Command, profile: Profile | undefined): ShownSetting {
  const option = command.options.find(({ long, negate }) => long === `--${name}` && !negate)
  if (option !== undefined && command.getOptionValueSource(option.attributeName()) === 'cli') {
    return shown(name, command.getOptionValue(option.attributeName()), `option --${name}`)
  }
  const variable = variablesOf(name).find((each) => readVariable(each) !== undefined)
  if (variable !== undefined) return shown(name, readVariable(variable), `variable ${variable}`)
  if (name === 'profile' && profile !== undefined) return shown(name, profile.name, `default of ${profile.file}`)
  const value = name === 'profile' ? undefined : profile?.settings[name]
  if (profile !== undefined && value !== undefined) {
    const source = `profile ${profile.name} of ${profile.file}`
    const { text, missing } = withVariables(typeof value === 'string' ? value : '')
    if (missing !== undefined) return { name, value: null, source: `${source}, but the variable ${missing} is not set` }
    return shown(name, typeof value === 'string' ? text : value, source)
  }
  if (name === 'url') return shown(name, `http://127.0.0.1:${portOf(readVariable('PORT'))}`, 'default')
  return { name, value: DEFAULTS[name] ?? null, source: 'default' }
}

/** PORT=0 lets a server pick a free port, so it does not tell where the server listens. */
function portOf(port: string | undefined): string {
  return port === undefined || port === '0' ? '3000' : port
}

function variablesOf(name: string): readonly string[] {
  if (name === 'color') return ['NO_COLOR', 'FORCE_COLOR']
  if (name === 'key') return ['BOARDCAST_JWT_SECRET']
  const variable = variableOf(name)
  return variable === undefined ? [] : [variable]
}

function shown(name: string, value: unknown, source: string): ShownSetting {
  if (SECRETS.has(name)) return { name, value: MASK, source }
  if (name === 'color' && source.startsWith('variable')) {
    return { name, value: source === 'variable FORCE_COLOR', source }
  }
  // A password in the address of a server or a database.
  return {
    name,
    value: typeof value === 'string' ? value.replace(/(:\/\/[^/@:]*:)[^/]*@/, `$1${MASK}@`) : value,
    source,
  }
}
