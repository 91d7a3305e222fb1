/** What stands before the lists: a first event, the documents, and what holds for every request. */
import {
  API_PREFIX,
  HEADER,
  HEARTBEAT_MS,
  MAX_BATCH_LINES,
  MAX_BODY_BYTES,
  MAX_CHANNELS,
  MAX_MESSAGE_BYTES,
  MESSAGE_BURST,
  MESSAGES_PER_SECOND,
  PAGE_LIMIT,
  PAGE_LIMIT_MAX,
} from '../../../shared/src/protocol.ts'
import { block, command, jsonBlock } from './code.ts'
import { type Documents, operationsOf, responsesOf } from './documents.ts'
import { type Content, html, inline, prose } from './html.ts'
import type { Section } from './part.ts'
import { BASE, TOKEN, URL_BASE, WITH_RIGHTS, WITHOUT_RIGHTS } from './place.ts'

/** What the second command shows when the third is run; `…` is left out. */
const SHOWN = `event: card_created
data: {"card":{"id":"crd_…","boardId":"demo","title":"Hello",…}}
id: 5f3a9c1e-2`

export function guideSections(documents: Documents): readonly Section[] {
  return [
    { id: 'start', title: 'See an event arrive', intro: start(), parts: [] },
    { id: 'documents', title: 'For programs', intro: links(), parts: [] },
    { id: 'requests', title: 'Requests', intro: requests(documents), parts: [] },
    { id: 'resume', title: 'Resuming', intro: resume(), parts: [] },
    { id: 'rights', title: 'Rights', intro: rights(documents), parts: [] },
    { id: 'limits', title: 'Limits', intro: limits(), parts: [] },
  ]
}

function start(): Content {
  return html`<p>Make a board, listen to it, and post a card from another terminal.${WITH_RIGHTS} Put a token into
<code>BOARDCAST_TOKEN</code> first, in both: <code>export BOARDCAST_TOKEN=…</code>${WITH_RIGHTS}</p>
<ol class="steps">
<li>${command(
    'Make a board',
    `curl${TOKEN} -H 'Content-Type: application/json' \\
  -d '{"id":"demo","name":"Demo"}' '${URL_BASE}${API_PREFIX}/boards'`,
  )}</li>
<li>${command('Listen to it', `curl${TOKEN} -N '${URL_BASE}/sse?boardId=demo&view=diff'`)}</li>
<li>${command(
    'Post a card, from another terminal',
    `curl${TOKEN} -H 'Content-Type: application/json' \\
  -d '{"title":"Hello"}' '${URL_BASE}${API_PREFIX}/boards/demo/cards'`,
  )}</li>
</ol>
${block('The second terminal shows', SHOWN)}
<p>In a page, <code>new EventSource('${URL_BASE}/sse?boardId=demo&view=diff')</code> has the same events, and reconnects by itself.</p>`
}

function links(): Content {
  return html`<p>This page is made from two documents. Clients can be generated from them, and payloads checked.</p>
<ul>
<li><a href="${BASE}/openapi.json">OpenAPI 3.2</a>: every operation</li>
<li><a href="${BASE}/openapi.json?version=3.1">OpenAPI 3.1</a>: the same, for generators that do not know 3.2</li>
<li><a href="${BASE}/asyncapi.json">AsyncAPI 3.0</a>: streams and sockets</li>
<li>The JSON Schema of each event is linked where the <a href="#events">event</a> is.
<code>boardcast schema --out DIR</code> writes all of them to a folder.</li>
</ul>
${command('A client in TypeScript', `curl -s '${URL_BASE}/openapi.json?version=3.1' | npx openapi-typescript -o boardcast.d.ts`)}`
}

function requests({ openApi }: Documents): Content {
  // The first paragraph says what the head of the page says.
  const [, ...paragraphs] = openApi.info.description.split('\n\n')
  return html`${prose(paragraphs.join('\n\n'))}
<p>JSON goes in and out. A resource comes alone, a list under its plural. Field names are camelCase, except those of tasks,
subtasks, messages and metrics, which are snake_case. Times are ISO 8601 in UTC with milliseconds; <code>timestamp</code> of an
envelope is in milliseconds since 1970.</p>
<p>A POST with an <code>${HEADER.idempotencyKey}</code> can be repeated for 24 hours: the same key and body get the first answer
again, with <code>${HEADER.idempotencyReplayed}: true</code>.</p>`
}

function resume(): Content {
  return html`<p>The <code>id</code> of an event means that everything up to it has been sent. Come back with the last one, and
what was missed follows, in order and without repeats, however long that took.</p>
${command('After an id', `curl${TOKEN} -N -H 'Last-Event-ID: 5f3a9c1e-42' '${URL_BASE}/sse?boardId=demo&view=diff'`)}
<p>An <code>EventSource</code> does so by itself. Where a header cannot be sent, <code>lastEventId</code> or <code>since</code> in
the query do the same; <code>since=now</code> begins after the newest event, <code>since=earliest</code> before the oldest. If the
id is no longer covered, <a href="#control.gap">gap</a> says so and fresh state follows. Every ${
    HEARTBEAT_MS / 1_000
  } seconds a <a href="#control.heartbeat">heartbeat</a> carries the newest id.</p>`
}

function rights({ openApi }: Documents): Content {
  const schemes = Object.entries(openApi.components.securitySchemes)
  return html`<p>${WITH_RIGHTS}This server needs a token.${WITH_RIGHTS}${WITHOUT_RIGHTS}This server needs no token: rights are
off.${WITHOUT_RIGHTS} A token is a JWT with lists of patterns: the channels that its holder may <code>subscribe</code> to and
<code>publish</code> on. A pattern is a channel, or ends in <code>*</code>: <code>board:demo</code>, <code>agent:*</code>,
<code>*</code>. Each operation names the right that it needs.</p>
<dl class="fields">${schemes.map(
    ([name, { description }]) => html`<div><dt><code>${name}</code></dt><dd>${inline(description)}</dd></div>`,
  )}</dl>
<p>Streams and sockets alone take <code>ticket</code> and <code>token</code>. A lapse is announced by
<a href="#control.auth_expiring">auth_expiring</a>.</p>`
}

function limits(): Content {
  return html`<ul>
<li>A body has at most ${MAX_BODY_BYTES / 1_024 / 1_024} MiB, and at most ${MAX_BATCH_LINES} lines of a log or of output.</li>
<li>A page of a list has ${PAGE_LIMIT} items unless <code>limit</code> says otherwise, and at most ${PAGE_LIMIT_MAX}.</li>
<li>A stream or socket follows at most ${MAX_CHANNELS} channels.</li>
<li>A message on a socket has at most ${MAX_MESSAGE_BYTES / 1_024} KiB; ${MESSAGES_PER_SECOND} a second are carried out, with bursts
of ${MESSAGE_BURST}.</li>
<li>By default a client may make 100 changes a second, with bursts of 200, and hold 20 streams and sockets. A server that
listens on loopback without rights has no such limits.</li>
<li>Lines of logs, output, terminal data and topic events are kept for 7 days by default; everything else is kept.</li>
</ul>`
}

/** Every code that an operation answers, with an example. */
export function errorSection({ openApi }: Documents): Section {
  const problems = new Map<string, { readonly status: number; readonly example: unknown }>()
  for (const operation of operationsOf(openApi)) {
    for (const [status, { content }] of responsesOf(openApi, operation)) {
      if (status < 400) continue
      for (const [code, { dataValue }] of Object.entries(Object.values(content ?? {})[0]?.examples ?? {})) {
        problems.set(code, { status, example: dataValue })
      }
    }
  }
  const sorted = [...problems].sort(([, a], [, b]) => a.status - b.status)
  const validation = problems.get('validation_failed')
  return {
    id: 'errors',
    title: 'Errors',
    intro: html`<p>A refusal is <code>application/problem+json</code>. <code>code</code> is for programs, <code>detail</code> says
what to do. A 422 lists the fields in <code>errors</code>; 429 and 503 have <code>Retry-After</code>, and nothing was changed.</p>
${validation && jsonBlock('A refusal', validation.example)}`,
    parts: [
      {
        id: 'error-codes',
        title: 'Codes',
        entries: sorted.map(([code, { status, example }]) => ({
          id: `error-${code}`,
          title: code,
          words: `${status} ${(example as { detail: string }).detail}`,
          content: html`<p><b>${status}</b> ${(example as { detail: string }).detail}</p>`,
        })),
      },
    ],
  }
}
