/** The page of the contract: a pure function of the two documents. */
import { connectionParts } from './connections-view.ts'
import type { Documents } from './documents.ts'
import { eventParts } from './events-view.ts'
import { errorSection, guideSections } from './guide.ts'
import { type Content, html } from './html.ts'
import { operationParts } from './operations-view.ts'
import type { Entry, Part, Section } from './part.ts'
import { BASE, type Template, templateOf } from './place.ts'
import { type SchemaView, schemaView } from './schema-view.ts'

const SUMMARY = 'Commands are HTTP requests. What they change arrives as events on streams and sockets.'

export function docsTemplate(documents: Documents): Template {
  const view = schemaView(documents)
  const guide = guideSections(documents)
  const [first, ...others] = guide
  const sections: Section[] = [
    ...(first ? [first] : []),
    ...others,
    {
      id: 'operations',
      title: 'Operations',
      intro: html`<p>Every address that the server answers, by subject.</p>`,
      parts: operationParts(documents, view),
    },
    {
      id: 'connections',
      title: 'Streams and sockets',
      intro: html`<p>The same events, in the same order, with the same ids, over server-sent events and over WebSockets.</p>`,
      parts: connectionParts(documents, view),
    },
    {
      id: 'events',
      title: 'Events',
      intro: html`<p>What each channel shows. An event of the log shows on several channels, under the name and with the payload that
is listed for each.</p>`,
      parts: eventParts(documents, view),
    },
    errorSection(documents),
  ]
  sections.push(typeSection(view))
  return templateOf(pageOf(sections, documents.openApi.info.version).text)
}

/** Types that others refer to, and those that these refer to. */
function typeSection(view: SchemaView): Section {
  const entries: Entry[] = []
  for (let found = view.takeReferred(); found.length > 0; found = view.takeReferred()) {
    for (const [name, schema] of found) {
      entries.push({ id: name, title: name, words: '', content: view.fields(schema) })
    }
  }
  entries.sort((a, b) => (a.id < b.id ? -1 : 1))
  return {
    id: 'types',
    title: 'Types',
    intro: html`<p>Objects that several bodies, answers and events have.</p>`,
    parts: [{ id: 'all-types', title: 'All types', entries }],
  }
}

function pageOf(sections: readonly Section[], version: string): ReturnType<typeof html> {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="Every operation, stream, socket and event of this Boardcast server.">
<title>API · Boardcast</title>
<link rel="icon" href="${BASE}/docs/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="${BASE}/docs/page.css">
<script src="${BASE}/docs/search.js" defer></script>
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header class="top">
<a class="brand" href="${BASE}/">Boardcast</a>
<form class="search" role="search" hidden>
<label for="search">Search</label>
<input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="Operations, events, errors">
<p id="found" role="status"></p>
<ul id="results" hidden></ul>
</form>
<span class="version">${version}</span>
</header>
<div class="frame">
<nav aria-label="Contents">${contents(sections)}</nav>
<main id="content" tabindex="-1">
<h1>API</h1>
<p class="lead">${SUMMARY}</p>
${sections.map(sectionOf)}
</main>
</div>
</body>
</html>
`
}

function contents(sections: readonly Section[]): Content {
  return html`<details class="contents"><summary>Contents</summary><ul>${sections.map(
    ({ id, title, parts }) =>
      html`<li><a href="#${id}">${title}</a>${parts.length > 0 && html`<ul>${parts.map(partContents)}</ul>`}</li>`,
  )}</ul></details>`
}

function partContents({ id, title, entries }: Part): Content {
  if (entries.length === 0) return html`<li><a href="#${id}">${title}</a></li>`
  return html`<li><details><summary>${title}</summary><ul>${entries.map(
    (entry) => html`<li><a href="#${entry.id}">${entry.label ?? entry.title}</a></li>`,
  )}</ul></details></li>`
}

function sectionOf({ id, title, intro, parts }: Section): Content {
  return html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${anchored(id, title)}</h2>
${intro}${parts.map(partOf)}</section>
`
}

function partOf({ id, title, intro, entries }: Part): Content {
  return html`<div class="part" id="${id}"><h3>${anchored(id, title)}</h3>${intro}
${entries.map(entryOf)}</div>
`
}

function entryOf({ id, title, note, words, content }: Entry): Content {
  return html`<article id="${id}" data-find="${words}"><h4>${anchored(id, title)}${note !== undefined && html` <span class="note">${note}</span>`}</h4>${content}</article>
`
}

function anchored(id: string, title: string): Content {
  return html`<a class="anchor" href="#${id}">${title}</a>`
}
