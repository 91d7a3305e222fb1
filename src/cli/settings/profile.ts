/**
 * Profiles: settings in a file. The file is the nearest `.boardcast.yaml` in the folder or above, otherwise
 * `boardcast/config.yaml` in the folder of configurations.
 */
import { accessSync, constants, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { nearest } from '../../text/nearest.ts'
import { readEnvironment, readVariable } from '../process/environment.ts'
import { usageError } from '../process/exit.ts'
import type { ProfileFile, Setting } from './profile-schema.ts'

const FILE = '.boardcast.yaml'

export interface Profile {
  readonly name: string
  readonly file: string
  /** By the names of long options, without the dashes. Variables are not replaced yet. */
  readonly settings: Readonly<Record<string, Setting>>
}

/** The profile that is in force; undefined if there is none. Throws a usage error for one that cannot be used. */
export async function currentProfile(option: string | undefined): Promise<Profile | undefined> {
  const wanted = option ?? readEnvironment().profile
  const from = option === undefined ? 'BOARDCAST_PROFILE' : '--profile'
  const found = findFile()
  if (found === undefined) {
    if (wanted === undefined) return undefined
    throw usageError(
      `${from} ${wanted}: there is no file with profiles. Write one, ${FILE} in this folder or above, or ${configFile()}.`,
    )
  }
  const { default: usual, profiles } = await parsed(found)
  const name = wanted ?? usual
  if (name === undefined) return undefined
  const settings = Object.hasOwn(profiles, name) ? profiles[name] : undefined
  if (settings !== undefined) return { name, file: found.path, settings }
  const near = nearest(name, Object.keys(profiles))
  const hint = near === undefined ? 'It has no profiles.' : `Did you mean ${near}?`
  throw usageError(`${found.path} has no profile "${name}" (${wanted === undefined ? 'default' : from}). ${hint}`)
}

/** The text with the values of variables in place of `${NAME}`; `missing` is the first variable that is not set. */
export function withVariables(text: string): { text: string; missing: string | undefined } {
  let missing: string | undefined
  const replaced = text.replace(/\$\{([A-Za-z_]\w*)\}/g, (whole, name: string) => {
    const value = readVariable(name)
    if (value === undefined) missing ??= name
    return value ?? whole
  })
  return { text: replaced, missing }
}

interface FoundFile {
  readonly path: string
  readonly text: string
}

function findFile(): FoundFile | undefined {
  for (let folder = process.cwd(); ; folder = dirname(folder)) {
    const found = fileAt(join(folder, FILE))
    if (found !== undefined) return found
    if (folder === dirname(folder)) return fileAt(configFile())
  }
}

function configFile(): string {
  return join(readEnvironment().configHome, 'boardcast', 'config.yaml')
}

function fileAt(path: string): FoundFile | undefined {
  try {
    return { path, text: readFileSync(path, 'utf8') }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    // A service may run with the HOME of somebody else: what it cannot see is not there.
    if (code === 'EACCES' && !isOpen(dirname(path))) return undefined
    throw usageError(`${path} cannot be read (${code}). Make it readable, or remove it.`)
  }
}

/** Whether what is in the folder can be reached. */
function isOpen(folder: string): boolean {
  try {
    accessSync(folder, constants.X_OK)
    return true
  } catch {
    return false
  }
}

async function parsed({ path, text }: FoundFile): Promise<ProfileFile> {
  // Loaded only where there is a file: every command looks for one.
  const [{ LineCounter, parseDocument }, { profileFile }] = await Promise.all([
    import('yaml'),
    import('./profile-schema.ts'),
  ])
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines })
  const [fault] = document.errors
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0])
    throw usageError(`${path}:${line}:${col} is not YAML: ${fault.message.split('\n')[0]?.replace(/[:.\s]+$/, '')}.`)
  }
  const { data, error } = profileFile.safeParse(document.toJS() ?? {})
  if (data !== undefined) return data
  const [issue] = error.issues
  const at = issue?.path.map(String).join('.') || 'the file'
  throw usageError(
    `${path}: ${at}: ${issue?.message}. Write {default: NAME, profiles: {NAME: {url: ...}}}; the keys of a profile are long options.`,
  )
}
