/**
 * The documents against what they speak of.
 *
 *   DOC1  docs/events.md is what the catalogue says.
 *   DOC2  Every relative link in the README and in docs/ leads somewhere, and every rule that the title of a test names is
 *         written in docs/protocol.md.
 *   DOC3  Every file and folder that the documents name is there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { EVENTS_DOC, renderEvents } from '../../scripts/events-doc.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DOCS = ['README.md', ...filesUnder('docs').filter((path) => path.endsWith('.md'))]
const PROTOCOL = read('docs/protocol.md')
/** Files of the example in docs/adding.md. */
const INVENTED = ['src/domain/card-comments.ts', 'src/routes/card-comments.ts']

test('[DOC1] docs/events.md is in step with the catalogue; npm run docs:events writes it anew', () => {
  expect(readFileSync(EVENTS_DOC, 'utf8')).toBe(renderEvents())
})

test.each(DOCS)('[DOC2] every relative link of %s leads somewhere', (path) => {
  const dead = linksOf(read(path)).filter((link) => !leadsSomewhere(link, path))
  expect(dead).toEqual([])
})

test('[DOC2] every rule that a test names is written in docs/protocol.md, once', () => {
  const written = [...PROTOCOL.matchAll(/^- \*\*([A-Z]+\d+)\*\*/gm)].map(([, id]) => id ?? '')
  expect(written.filter((id, index) => written.indexOf(id) !== index)).toEqual([])
  const named = filesUnder('tests')
    .filter((path) => path.endsWith('.test.ts'))
    .flatMap((path) => rulesNamedIn(read(path)).map((id) => `${id} (${path})`))
  expect(named.length).toBeGreaterThan(0)
  expect([...new Set(named)].filter((rule) => !written.includes(rule.split(' ')[0] ?? ''))).toEqual([])
})

// The examples of docs/events.md name files of somebody else's project.
const NAMING = [...DOCS.filter((path) => path !== 'docs/events.md'), 'docs/images/flow.svg']

test.each(NAMING)('[DOC3] what %s names is there', (path) => {
  const named = read(path).match(/(?<![\w./-])(?:src|shared|web|tests|scripts)\/[\w./-]*\w/g) ?? []
  expect(named.filter((name) => !INVENTED.includes(name) && !existsSync(resolve(ROOT, name)))).toEqual([])
})

/** The ids at the beginning of titles: `'[R4] …'`, `'[K5] [R8] …'`. */
function rulesNamedIn(source: string): string[] {
  const titles = source.match(/['"`](?:\[[A-Z]+\d+\] ?)+/g) ?? []
  return titles.flatMap((title) => title.match(/[A-Z]+\d+/g) ?? [])
}

/** Targets of links and pictures, those of pages on the web left out. */
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

/** The anchors that GitHub makes of headings. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, text]) => text ?? '')
  const slugs = headings.map((text) =>
    text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
      .replaceAll(' ', '-'),
  )
  return new Set(slugs)
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
