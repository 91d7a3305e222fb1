/** Reads the imports of every source file and reports what breaks the order of the layers, one sentence each. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'

export interface Source {
  /** Relative to the root, with forward slashes. */
  readonly path: string
  /** Without comments. */
  readonly code: string
  readonly imports: readonly string[]
}

/**
 * Folders of the server, and those of the client library and the page, each from the bottom up. A file belongs to the folder
 * that holds it, not to those around that, and imports from its own folder and from those below; imports of types count.
 */
const LAYERS: readonly string[] = [
  'src/base',
  'src/db',
  'src/db/sqlite',
  'src/db/postgres',
  'src/db/redis',
  'src/db/migrations',
  'src/db/rows',
  'src/db/maintenance',
  'src/domain',
  'src/auth',
  'src/sse/delivery',
  'src/connections',
  'src/sse/wire',
  'src/sse',
  'src/http',
  'src/ws',
  'src/ws/socketio',
  'src/jobs',
  'src/routes',
  'src/contract/docs-page',
  'src/contract',
  'src/server',
  'src',
  'src/text',
  'src/expect/conditions',
  'src/expect/scenario',
  'src/expect/judge',
  'src/expect/report',
  'src/expect/coverage',
  'src/cli/process',
  'src/cli/settings',
  'src/cli/api',
  'src/cli/stream',
  'src/testing/contract',
  'src/testing',
  'src/cli/tail',
  'src/cli/wait',
  'src/cli/post',
  'src/cli/schema',
  'src/cli/replay',
  'src/cli/completion',
  'src/cli/expect',
  'src/cli/run',
  'src/cli/demo',
  'src/cli/server',
  'src/cli/token',
  'src/cli/doctor/road',
  'src/cli/doctor/findings',
  'src/cli/doctor/probes',
  'src/cli/doctor',
  'src/cli/commands',
  'src/cli',
  'web/client/base',
  'web/client/terminal',
  'web/client/connection',
  'web/client/requests',
  'web/client/stream',
  'web/client/tabs',
  'web/client/stores',
  'web/client/socket',
  'web/client/hub',
  'web/client/hooks',
  'web/client',
  'web/app',
]

const SQL =
  /(['"`])\s*(?:SELECT\s[^'"`]+\sFROM\s|INSERT\s+(?:OR\s+\w+\s+)?INTO\s|UPDATE\s+\w+\s+SET\s|DELETE\s+FROM\s|BEGIN\s+IMMEDIATE)/
const DOM =
  /(?<![.\w'"`])(?:window|document|navigator|localStorage|sessionStorage|EventSource|HTMLElement|XMLHttpRequest)\s*[.([]/
const ENVIRONMENT = 'process.env'
const READS_ENVIRONMENT = new Set(['src/base/config.ts', 'src/cli/process/environment.ts'])
const CLIENT_LIBRARIES = /^(eventsource-parser$|zod$|preact$|preact\/hooks$|react$)/

/** Everything under `root` that breaks the rules. */
export function violations(root: string): string[] {
  const sources = ['shared', 'src', 'web'].flatMap((folder) => sourcesIn(root, folder))
  const known = new Set(sources.map(({ path }) => path))
  return sources.flatMap((source) => [...wrongImports(source, known), ...wrongText(source)])
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
  const layer = layerOf(path)
  if (/^(src|web)\//.test(path) && layer < 0) {
    wrong.push(`${path} is in no layer: move it, or add ${dirname(path)} to LAYERS in tests/architecture/layers.ts`)
  }
  for (const target of imports) {
    const isFile = /^(shared|src|web)\//.test(target)
    if (isFile && !known.has(target) && !target.endsWith('.css')) {
      wrong.push(`${path} imports ${target}, which does not exist`)
    } else if (path.startsWith('shared/') && !target.startsWith('shared/') && target !== 'zod') {
      wrong.push(`${path} imports ${target}: shared/ imports zod and nothing else`)
    } else if (path.startsWith('web/') && !/^(shared|web)\//.test(target) && !isForClient(path, target)) {
      wrong.push(`${path} imports ${target}: web/ imports shared/ and web/ only`)
    } else if (
      path.startsWith('src/cli/') &&
      target.startsWith('src/') &&
      !/^src\/(cli\/|text\/|expect\/|main\.ts$|contract\/index\.ts$)/.test(target)
    ) {
      wrong.push(
        `${path} imports ${target}: the command line imports shared/, src/text, src/expect, src/contract/index.ts and src/main.ts only`,
      )
    } else if (path.startsWith('src/') && (target.startsWith('web/') || layerOf(target) > layer)) {
      wrong.push(`${path} imports ${target}, which is in a layer above it`)
    } else if (path.startsWith('web/') && layerOf(target) > layer) {
      wrong.push(`${path} imports ${target}, which is in a layer above it`)
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
  if (!path.startsWith('src/db/') && SQL.test(code)) wrong.push(`${path} holds SQL, which belongs in src/db`)
  const passedOn = path === 'src/main.ts' ? code.replaceAll(`loadConfig(${ENVIRONMENT})`, '') : code
  if (passedOn.includes(ENVIRONMENT) && !READS_ENVIRONMENT.has(path)) {
    wrong.push(`${path} reads ${ENVIRONMENT}: settings come from src/base/config.ts`)
  }
  return wrong
}

/** The place of a file's folder in the order; -1 for shared/ and packages. */
function layerOf(path: string): number {
  return LAYERS.indexOf(dirname(path))
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
