/**
 * docs/rules.md, the ledger from rules to tests: `npm run docs:rules`. A test fails when the file is out of date.
 *
 *   docs/*.md           `- **R4** …` or `| **R4** | …` states a rule
 *   tests/**.ts         `[R4] …` at the beginning of a title proves it; some suites live in support files
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { anchorOf } from './markdown-anchor.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
export const RULES_DOC = resolve(ROOT, 'docs/rules.md')

const STATEMENT = /^(?:- |\| )\*\*([A-Z]+\d+)\*\* /
const TITLE = /['"`](?:\[[A-Z]+\d+\] ?)+/g

/** One place where a rule is stated. */
export interface Statement {
  readonly id: string
  /** A file in docs/. */
  readonly document: string
  /** The heading that the rule stands under. */
  readonly heading: string
}

/** A rule that the title of a test begins with. */
export interface Proof {
  readonly id: string
  /** From the root of the repository. */
  readonly file: string
}

/** Every rule that the documents state, in the order of the documents. */
export function statements(): Statement[] {
  const documents = readdirSync(resolve(ROOT, 'docs')).filter((name) => name.endsWith('.md') && name !== 'rules.md')
  return documents
    .sort()
    .flatMap((document) => statementsIn(document, readFileSync(resolve(ROOT, 'docs', document), 'utf8')))
}

export function statementsIn(document: string, markdown: string): Statement[] {
  let heading = ''
  let isCode = false
  const found: Statement[] = []
  for (const line of markdown.split('\n')) {
    if (line.startsWith('```')) isCode = !isCode
    if (isCode) continue
    heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading
    const id = STATEMENT.exec(line)?.[1]
    if (id) found.push({ id, document, heading })
  }
  return found
}

/** Every rule that a test proves, once for each file. */
export function proofs(): Proof[] {
  const tests = readdirSync(resolve(ROOT, 'tests'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, resolve(entry.parentPath, entry.name)).replaceAll('\\', '/'))
  return tests.sort().flatMap((file) => proofsIn(file, readFileSync(resolve(ROOT, file), 'utf8')))
}

export function proofsIn(file: string, source: string): Proof[] {
  const ids = (source.match(TITLE) ?? []).flatMap((title) => title.match(/[A-Z]+\d+/g) ?? [])
  return [...new Set(ids)].map((id) => ({ id, file }))
}

/** What is wrong between documents and tests, one sentence for each fault. */
export function faultsOf(stated: readonly Statement[], proven: readonly Proof[]): string[] {
  const documents = grouped(stated, ({ id }) => id)
  const files = grouped(proven, ({ id }) => id)
  return [
    ...[...documents].flatMap(([id, places]) =>
      places.length > 1
        ? [`${id} is stated ${places.length} times: ${places.map(({ document }) => document).join(', ')}`]
        : [],
    ),
    ...[...documents.keys()].filter((id) => !files.has(id)).map((id) => `${id} has no test`),
    ...proven
      .filter(({ id }) => !documents.has(id))
      .map(({ id, file }) => `${file} quotes ${id}, which no document states`),
  ]
}

/** The whole document. */
export function renderRules(stated: readonly Statement[], proven: readonly Proof[]): string {
  const files = grouped(proven, ({ id }) => id)
  const families = grouped(stated, ({ id }) => familyOf(id))
  const sections = [...families].sort(byName).map(([family, rules]) => {
    const lines = rules.toSorted(byNumber).map((rule) => {
      const tests = (files.get(rule.id) ?? []).map(({ file }) => `\`${file}\``)
      return `- ${rule.id}: [${rule.document}](${rule.document}#${anchorOf(rule.heading)}). ${tests.join(', ')}`
    })
    return `## ${family}\n\n${lines.join('\n')}`
  })
  return `${[
    '# Rules and their tests',
    'Written by `npm run docs:rules`; do not edit. For each rule: where it is stated, and the files whose test titles quote it.',
    `${stated.length} rules in ${families.size} families. \`npx vitest run -t '\\[R2\\]'\` runs the tests of R2.`,
    ...sections,
  ].join('\n\n')}\n`
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}

function familyOf(id: string): string {
  return id.replace(/\d+$/, '')
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

function byNumber(a: Statement, b: Statement): number {
  return Number(a.id.replace(/^[A-Z]+/, '')) - Number(b.id.replace(/^[A-Z]+/, ''))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [stated, proven] = [statements(), proofs()]
  writeFileSync(RULES_DOC, renderRules(stated, proven))
  const faults = faultsOf(stated, proven)
  if (faults.length > 0) process.stderr.write(`${faults.join('\n')}\n`)
  process.exitCode = faults.length > 0 ? 1 : 0
}
