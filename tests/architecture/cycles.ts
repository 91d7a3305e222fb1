/**
 * Finds files that depend on each other in a cycle, in TypeScript and in the C programs of the bench. A C module is a
 * source file with its header. It depends on the modules whose headers it includes and whose functions or variables it
 * uses: a shared header must not hide a cycle of calls.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { sourcesIn } from './layers.ts'

const FOLDERS = ['shared', 'src', 'web', 'bench', 'scripts', 'tests']

/** A file, or a C module, and what it depends on. */
type Graph = ReadonlyMap<string, readonly string[]>

/** The cycles under `root`, one sentence each. */
export function cyclesIn(root: string): string[] {
  return cyclesAmong(dependenciesIn(root))
}

export function dependenciesIn(root: string): Graph {
  const scripts = FOLDERS.flatMap((folder) => sourcesIn(root, folder))
  return new Map([...scripts.map(({ path, imports }) => [path, imports] as const), ...modulesIn(root, 'bench')])
}

/** Each cycle once, from the file that was met first. */
function cyclesAmong(graph: Graph): string[] {
  const done = new Set<string>()
  const cycles: string[] = []
  function visit(path: string, way: readonly string[]): void {
    const at = way.indexOf(path)
    if (at >= 0) cycles.push(`a cycle: ${[...way.slice(at), path].join(' > ')}`)
    if (at >= 0 || done.has(path)) return
    for (const target of graph.get(path) ?? []) visit(target, [...way, path])
    done.add(path)
  }
  for (const path of [...graph.keys()].toSorted()) visit(path, [])
  return cycles
}

interface Module {
  includes: string[]
  /** Functions and variables that other modules can use. */
  names: string[]
  /** Every identifier in the source file, except fields. */
  uses: Set<string>
}

const INCLUDE = /^#include "([^"]+)"/gm
/** Definitions begin in the first column; `static` names belong to their file alone. */
const FUNCTION = /^(?!static\b|extern\b|typedef\b)[a-zA-Z_][\w ]*[ *](\w+)\([^;{]*\)\s*\{/gm
const VARIABLES = /^(?!static\b|extern\b|typedef\b)[a-zA-Z_]\w*[ *]+([^;(){}]+?)(?:;|= \{)/gm
const IDENTIFIER = /(?<![\w.]|->)[a-zA-Z_]\w*/g

function modulesIn(root: string, folder: string): Graph {
  const modules = new Map<string, Module>()
  for (const path of cFilesIn(root, folder)) {
    const name = moduleName(path)
    const module = modules.get(name) ?? { includes: [], names: [], uses: new Set() }
    modules.set(name, module)
    const text = readFileSync(join(root, path), 'utf8').replaceAll(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
    module.includes.push(...allMatches(text, INCLUDE).map((header) => moduleName(join(dirname(path), header))))
    const code = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    module.names.push(...allMatches(code, FUNCTION), ...allMatches(code, VARIABLES).flatMap(variableNames))
    if (path.endsWith('.c')) for (const [identifier] of code.matchAll(IDENTIFIER)) module.uses.add(identifier)
  }
  return new Map([...modules].map(([name, module]) => [name, dependenciesOf(name, module, modules)]))
}

function dependenciesOf(name: string, { includes, uses }: Module, modules: ReadonlyMap<string, Module>): string[] {
  // A folder is a program.
  const others = [...modules].filter(([other]) => other !== name && dirname(other) === dirname(name))
  const used = others.filter(([, { names }]) => names.some((one) => uses.has(one))).map(([other]) => other)
  return [...new Set([...includes.filter((other) => other !== name), ...used])]
}

function cFilesIn(root: string, folder: string): string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  return entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return cFilesIn(root, path)
    return /\.[ch]$/.test(entry.name) ? [path] : []
  })
}

function moduleName(path: string): string {
  return normalize(path)
    .replaceAll('\\', '/')
    .replace(/\.[ch]$/, '')
}

/** `*a, b[2] = x, c` declares a, b and c. */
function variableNames(declared: string): string[] {
  return declared.split(',').flatMap((one) => /^[\s*]*(\w+)/.exec(one)?.[1] ?? [])
}

function allMatches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? '')
}
