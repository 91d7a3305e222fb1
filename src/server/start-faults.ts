/** Faults that keep a server from starting, each as a sentence with the cause and the fix. */
import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Config, ConfigError } from '../base/config.ts'

/** Throws ConfigError if the path is not that of a file. Checked before a lock is created beside it. */
export function refuseNonFile({ dbPath }: Config): void {
  const found = statOf(dbPath)
  if (!found || found.isFile()) return
  const [what, file] = found.isDirectory()
    ? ['a folder', resolve(dbPath, 'boardcast.db')]
    : ['not a regular file', './boardcast.db']
  throw new ConfigError(`BOARDCAST_DB=${dbPath} is ${what}. Name a file, such as ${file}.`)
}

/** Throws ConfigError for a path that cannot be looked up, such as one with a slash at its end or a link to itself. */
function statOf(dbPath: string) {
  try {
    return statSync(dbPath, { throwIfNoEntry: false })
  } catch (cause) {
    const { code } = causesOf(cause)[0] ?? {}
    throw new ConfigError(
      `BOARDCAST_DB=${dbPath} cannot be opened (${code}). Name a file in a folder that the user of this process may use, such as ./boardcast.db.`,
      { cause },
    )
  }
}

/** The fault of the database file or its driver behind `error`; undefined if it has another cause. */
export function storageFault({ dbPath }: Config, error: unknown): ConfigError | undefined {
  const chain = causesOf(error)
  // Reported already, better than by the lock that caused it.
  if (chain.some(({ message }) => message.includes('in use by another Boardcast server')) && isBusy(chain))
    return undefined
  const sentence =
    first(chain, driverFault) ?? first(chain, (each) => fileFault(`BOARDCAST_DB=${dbPath}`, dbPath, each))
  return sentence === undefined ? undefined : new ConfigError(sentence, { cause: error })
}

function isBusy(chain: readonly Fault[]): boolean {
  return chain.some(({ code }) => code?.startsWith('SQLITE_BUSY'))
}

function driverFault({ code, message }: Fault): string | undefined {
  if (message.startsWith('Could not locate the bindings file')) {
    return 'The SQLite driver (better-sqlite3) is not built. Run "npm rebuild better-sqlite3"; it needs a C++ compiler and Python.'
  }
  if (code !== 'ERR_DLOPEN_FAILED') return undefined
  const [built, wanted] = [...message.matchAll(/NODE_MODULE_VERSION (\d+)/g)].map(([, version]) => version)
  const why = wanted
    ? `was built for another version of Node (module version ${built}; Node ${process.versions.node} has ${wanted})`
    : `cannot be loaded (${message.split('\n')[0]})`
  return `The SQLite driver (better-sqlite3) ${why}. Run "npm rebuild better-sqlite3" with the Node that runs the server.`
}

function fileFault(name: string, path: string, { code, message }: Fault): string | undefined {
  const kind = /^SQLITE_[A-Z]+/.exec(code ?? '')?.[0]
  if (message.includes('directory does not exist')) {
    return `${name} cannot be opened: the folder ${dirname(resolve(path))} does not exist. Make it, or choose another file.`
  }
  switch (kind) {
    case 'SQLITE_NOTADB':
      return `${name} is not an SQLite database. Choose another file, or restore it.`
    case 'SQLITE_CANTOPEN':
    case 'SQLITE_PERM':
    case 'SQLITE_AUTH':
      return `${name} cannot be opened. Let the user of this process read and write it and the folder ${dirname(resolve(path))}, or choose another file.`
    case 'SQLITE_READONLY':
      return `${name} cannot be written. Let the user of this process write it and the folder ${dirname(resolve(path))}, or choose another file.`
    case 'SQLITE_BUSY':
    case 'SQLITE_LOCKED':
      return `${name} is locked by another program that writes to it. End that program, or choose another file.`
    case 'SQLITE_FULL':
    case 'SQLITE_IOERR':
      return `${name} cannot be written: ${message}. Make room on its disk, or choose another file.`
    default:
      return undefined
  }
}

/** The fault of HOST or PORT behind `error`; undefined if it has another cause. */
export function listenFault({ host, port }: Config, error: unknown): ConfigError | undefined {
  const { code = '' } = causesOf(error)[0] ?? {}
  const sentence = LISTEN_FAULTS[code]?.(host, port)
  return sentence === undefined ? undefined : new ConfigError(sentence, { cause: error })
}

const unresolved = (host: string) =>
  `HOST=${host} is not an address, nor a name that can be resolved here. Listen on 127.0.0.1, or on an address of this machine.`

const LISTEN_FAULTS: Readonly<Record<string, (host: string, port: number) => string>> = {
  EACCES: (_, port) =>
    `PORT=${port} is not permitted to the user of this process. Choose a port of 1024 or more, or grant CAP_NET_BIND_SERVICE.`,
  EADDRNOTAVAIL: (host) =>
    `HOST=${host} is not an address of this machine. Listen on 127.0.0.1, or on an address that it has.`,
  EAFNOSUPPORT: (host) =>
    `HOST=${host} is of a kind of address that this machine does not support. Listen on 127.0.0.1.`,
  EINVAL: unresolved,
  ENOTFOUND: unresolved,
  EAI_AGAIN: unresolved,
}

interface Fault {
  readonly code: string | undefined
  readonly message: string
}

/** The error and its causes, outermost first. */
function causesOf(error: unknown): readonly Fault[] {
  const chain: Fault[] = []
  for (let each = error; each instanceof Error && chain.length < 8; each = each.cause) {
    chain.push({ code: 'code' in each && typeof each.code === 'string' ? each.code : undefined, message: each.message })
  }
  return chain
}

function first(chain: readonly Fault[], describe: (fault: Fault) => string | undefined): string | undefined {
  for (const fault of chain) {
    const sentence = describe(fault)
    if (sentence !== undefined) return sentence
  }
  return undefined
}
