/**
 * The documents against the code.
 *
 *   DOC1  docs/events.md is what the catalogue declares.
 *   DOC2  Every relative link in the README and in docs/ leads somewhere.
 *   DOC3  Every file and folder that the documents name exists.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { EVENTS_DOC, renderEvents } from '../../scripts/events-doc.ts'
import { anchorOf } from '../../scripts/markdown-anchor.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DOCS = ['README.md', ...filesUnder('docs').filter((path) => path.endsWith('.md'))]
/** Files of the example in docs/adding.md. */
const INVENTED = [
  'src/db/migrations/NNN-card-estimate.ts',
  'src/domain/card-comments.ts',
  'src/routes/card-comments.ts',
]

test('[DOC1] docs/events.md is up to date; npm run docs:events writes it', () => {
  expect(readFileSync(EVENTS_DOC, 'utf8')).toBe(renderEvents())
})

test.each(DOCS)('[DOC2] every relative link of %s leads somewhere', (path) => {
  const dead = linksOf(read(path)).filter((link) => !leadsSomewhere(link, path))
  expect(dead).toEqual([])
})

// The examples in docs/events.md name files of other projects.
const NAMING = [...DOCS.filter((path) => path !== 'docs/events.md'), 'docs/images/flow.svg']

test.each(NAMING)('[DOC3] the files that %s names exist', (path) => {
  const named = read(path).match(/(?<![\w./-])(?:src|shared|web|tests|scripts)\/[\w./-]*\w/g) ?? []
  expect(named.filter((name) => !INVENTED.includes(name) && !existsSync(resolve(ROOT, name)))).toEqual([])
})

/** The targets of links and pictures, except pages on the web. */
function linksOf(markdown: string): string[] {
  const prose = markdown.replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '')
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)].map(([, a, b]) => a ?? b ?? '')
  return targets.filter((target) => !/^[a-z]+:/.test(target))
}

function leadsSomewhere(link: string, from: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? from : relative(ROOT, resolve(ROOT, dirname(from), path))
  if (target.startsWith('..') || !existsSync(resolve(ROOT, target))) return false
  return anchor === undefined || anchorsOf(read(target)).has(anchor)
}

function anchorsOf(markdown: string): ReadonlySet<string> {
  return new Set([...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading ?? '')))
}

function filesUnder(folder: string): string[] {
  return readdirSync(resolve(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, resolve(entry.parentPath, entry.name)))
    .sort()
}

function read(path: string): string {
  return readFileSync(resolve(ROOT, path), 'utf8')
}
