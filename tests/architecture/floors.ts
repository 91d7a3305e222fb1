/** Reads the imports of every source file and says what is against the order of the house, one sentence each. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

export interface Source {
  /** Relative to the root, with forward slashes. */
  readonly path: string
  /** Without comments. */
  readonly code: string
  readonly imports: readonly string[]
}

interface Floor {
  readonly name: string
  has(path: string): boolean
}

const SSE_CORE =
  'bus pace audience subscription channel-change meter listeners framing frame-list selection type-filter coverage catch-up snapshots opening-frames'
const SSE_EDGE =
  'frames envelopes gzip crc32 sink socket-writer direct-write heartbeat open-stream handlers request start connections'
const DB_CORE =
  'sql sqlite event-log log-event meta migrate insert retention coverage runs store housekeeping idempotency ' +
  'storage-fault storage-guard database-files database-lock inode-lock foreign-database checkpoint-aside backup'

/** From the ground up: a file imports from its own floor and from those below, types as well. */
const FLOORS: readonly Floor[] = [
  { name: 'shared', has: within('shared/') },
  {
    name: 'ground',
    has: oneOf(
      'src',
      'config errors json logger validation request-id authority host-settings web-guard base-path long-timer clock uuid',
    ),
  },
  { name: 'store', has: (path) => oneOf('src/db', DB_CORE)(path) || within('src/db/migrations/')(path) },
  // Whatever else lies there holds the rows of one resource.
  { name: 'rows', has: within('src/db/') },
  { name: 'domain', has: within('src/domain/') },
  { name: 'auth', has: within('src/auth/') },
  { name: 'sse core', has: oneOf('src/sse', SSE_CORE) },
  { name: 'sse edge', has: oneOf('src/sse', SSE_EDGE) },
  { name: 'ws', has: within('src/ws/') },
  { name: 'routes', has: within('src/routes/') },
  {
    name: 'app',
    has: oneOf(
      'src',
      'app metrics static-ranges snapshot-sources unreadable-request not-a-websocket earlier-answers sockets open-store web-app start-faults unused-connections clean-stop',
    ),
  },
  { name: 'main', has: oneOf('src', 'main') },
  { name: 'cli', has: within('src/cli/') },
]

const SQL =
  /(['"`])\s*(?:SELECT\s[^'"`]+\sFROM\s|INSERT\s+(?:OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|BEGIN\s+IMMEDIATE)/
const DOM =
  /(?<![.\w'"`])(?:window|document|navigator|localStorage|sessionStorage|EventSource|HTMLElement|XMLHttpRequest)\s*[.([]/
const ENVIRONMENT = 'process.env'
const CLIENT_LIBRARIES = /^(eventsource-parser$|zod$|preact$|preact\/hooks$|react$)/

/** Everything under `root` that is against the rules. */
export function violations(root: string): string[] {
  const sources = ['shared', 'src', 'web'].flatMap((folder) => sourcesIn(root, folder))
  const known = new Set(sources.map(({ path }) => path))
  return [
    ...sources.flatMap((source) => [...wrongImports(source, known), ...wrongText(source)]),
    ...cyclesAmong(sources),
  ]
}

export function sourcesIn(root: string, folder: string): Source[] {
  const found: Source[] = []
  for (const entry of entriesOf(join(root, folder))) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) found.push(...sourcesIn(root, path))
    else if (/\.(ts|tsx|mts|js|mjs)$/.test(entry.name)) {
      const code = withoutComments(readFileSync(join(root, path), 'utf8'))
      found.push({ path, code, imports: importsOf(code).map((name) => resolved(path, name)) })
    }
  }
  return found
}

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return [] // Harmless: a tree without that folder has nothing to check there.
  }
}

function wrongImports({ path, imports }: Source, known: ReadonlySet<string>): string[] {
  const wrong: string[] = []
  const floor = floorOf(path)
  if (path.startsWith('src/') && floor < 0)
    wrong.push(`${path} has no floor: give it one in tests/architecture/floors.ts`)
  for (const target of imports) {
    const isFile = /^(shared|src|web)\//.test(target)
    if (isFile && !known.has(target) && !target.endsWith('.css'))
      wrong.push(`${path} imports ${target}, which is not there`)
    else if (path.startsWith('shared/') && !target.startsWith('shared/') && target !== 'zod') {
      wrong.push(`${path} imports ${target}: shared/ imports zod and nothing else`)
    } else if (path.startsWith('web/') && !/^(shared|web)\//.test(target) && !isForClient(path, target)) {
      wrong.push(`${path} imports ${target}: web/ imports shared/ and web/ only`)
    } else if (path.startsWith('src/cli/') && target.startsWith('src/') && !/^src\/(cli\/|main\.ts$)/.test(target)) {
      wrong.push(`${path} imports ${target}: the command line imports shared/ and src/main.ts only`)
    } else if (path.startsWith('src/') && (target.startsWith('web/') || (isFile && floorOf(target) > floor))) {
      wrong.push(`${path} (${nameOf(path)}) imports ${target} (${nameOf(target)}), which is above it`)
    }
  }
  return wrong
}

/** The client library reads streams with the one parser, and each framework's part of it knows that framework. */
function isForClient(path: string, target: string): boolean {
  return path.startsWith('web/client/') && CLIENT_LIBRARIES.test(target)
}

function wrongText({ path, code }: Source): string[] {
  const wrong: string[] = []
  if (path.startsWith('shared/') && DOM.test(code)) wrong.push(`${path} uses the DOM`)
  if (!path.startsWith('src/db/') && SQL.test(code)) wrong.push(`${path} holds SQL, which belongs into src/db`)
  const passedOn = path === 'src/main.ts' ? code.replaceAll(`loadConfig(${ENVIRONMENT})`, '') : code
  if (passedOn.includes(ENVIRONMENT) && path !== 'src/config.ts' && path !== 'src/cli/environment.ts') {
    wrong.push(`${path} reads ${ENVIRONMENT}: settings come from src/config.ts`)
  }
  return wrong
}

/** Each cycle once, from the file that was met first. */
function cyclesAmong(sources: readonly Source[]): string[] {
  const importsOfPath = new Map(sources.map(({ path, imports }) => [path, imports]))
  const done = new Set<string>()
  const cycles: string[] = []
  function visit(path: string, way: readonly string[]): void {
    const at = way.indexOf(path)
    if (at >= 0) cycles.push(`a cycle: ${[...way.slice(at), path].join(' > ')}`)
    if (at >= 0 || done.has(path)) return
    for (const target of importsOfPath.get(path) ?? []) visit(target, [...way, path])
    done.add(path)
  }
  for (const { path } of sources) visit(path, [])
  return cycles
}

function floorOf(path: string): number {
  return FLOORS.findIndex((floor) => floor.has(path))
}

function nameOf(path: string): string {
  return FLOORS[floorOf(path)]?.name ?? path.split('/')[0] ?? path
}

/** Specifiers of every kind of import, of types too. */
function importsOf(code: string): string[] {
  const statements = /^\s*(?:import|export)\b[^'"`;(=]*?\bfrom\s*['"]([^'"]+)['"]/gm
  const bare = /^\s*import\s*['"]([^'"]+)['"]/gm
  const calls = /\bimport\(\s*['"]([^'"]+)['"]/g
  return [statements, bare, calls].flatMap((pattern) => [...code.matchAll(pattern)].map((match) => match[1] ?? ''))
}

function resolved(path: string, name: string): string {
  return name.startsWith('.') ? relative('.', normalize(join(dirname(path), name))).replaceAll('\\', '/') : name
}

/** Only comments that begin a line: texts may hold what looks like one. */
function withoutComments(text: string): string {
  return text.replaceAll(/^\s*\/\*[\s\S]*?\*\//gm, '').replaceAll(/^\s*\/\/.*$/gm, '')
}

function within(folder: string): (path: string) => boolean {
  return (path) => path.startsWith(folder)
}

function oneOf(folder: string, names: string): (path: string) => boolean {
  const paths = new Set(names.split(' ').map((name) => `${folder}/${name}.ts`))
  return (path) => paths.has(path)
}
