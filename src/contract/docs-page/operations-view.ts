/** Every operation, by tag. */
import { block, command, jsonBlock } from './code.ts'
import { curlOf } from './curl.ts'
import {
  type Documents,
  type Example,
  type Media,
  type Operation,
  operationsOf,
  type Response,
  responsesOf,
} from './documents.ts'
import { type Content, html, inline, joined } from './html.ts'
import type { Part } from './part.ts'
import type { SchemaView } from './schema-view.ts'

/** One part for each tag. */
export function operationParts({ openApi }: Documents, view: SchemaView): readonly Part[] {
  const all = operationsOf(openApi)
  return openApi.tags.map(({ name, description }) => {
    const operations = all.filter(({ tags }) => tags.includes(name))
    return {
      id: `tag-${name}`,
      title: name,
      intro: html`<p>${inline(description)}</p>`,
      entries: operations.map((operation) => ({
        id: operation.operationId,
        title: operation.operationId,
        words: `${operation.method.toUpperCase()} ${operation.path} ${operation.summary}`,
        label: html`${method(operation)} ${operation.operationId}`,
        content: operationContent(operation, responsesOf(openApi, operation), view),
      })),
    }
  })
}

function operationContent(operation: Operation, responses: ReadonlyMap<number, Response>, view: SchemaView): Content {
  const { path, summary, description, parameters = [], requestBody, 'x-emits': emits = [] } = operation
  const body = mediaOf(requestBody)
  const answers = [...responses].filter(([status]) => status < 400)
  return html`<p class="address">${method(operation)} <code>${breakable(path)}</code></p>
<div class="pair"><div>
<p>${inline(summary)} ${inline(description)}</p>
${parameters.length > 0 && html`<h5>Parameters</h5>${view.parameters(parameters)}`}
${body && html`<h5>Body${requestBody?.required === false && ', which may be left out'}</h5>${view.fields(body.media.schema ?? {})}`}
<h5>Answers</h5>
<ul class="answers">${answers.map(([status, response]) => html`<li>${answerLine(status, response, view)}</li>`)}</ul>
${emits.length > 0 && html`<h5>Events</h5><p>May commit ${joined(emits.map(eventLink), ', ')}.</p>`}
<h5>Errors</h5>
<ul class="errors">${[...responses].filter(([status]) => status >= 400).map(([status, response]) => errorLine(status, response))}</ul>
</div><div>
${command('Request', curlOf(operation))}
${answers.map(([status, response]) => answerExamples(status, response))}
</div></div>`
}

function answerLine(status: number, { description, content, headers = {} }: Response, view: SchemaView): Content {
  const { name, media } = mediaOf({ content }) ?? {}
  const schema = media?.schema
  const names = Object.keys(headers)
  return html`<b>${status}</b> ${description} ${
    name !== undefined && html`<code>${name}</code>${schema?.$ref !== undefined && [': ', view.type(schema)]}. `
  }${media?.itemSchema !== undefined && html`Its events are <a href="#connections">below</a>. `}${
    names.length > 0 &&
    html`<span class="headers">Headers: ${joined(
      names.map((header) => html`<code>${header}</code>`),
      ', ',
    )}.</span>`
  }`
}

function answerExamples(status: number, { content }: Response): Content {
  const examples = Object.entries(mediaOf({ content })?.media.examples ?? {})
  return examples.map(([name, example]) =>
    exampleBlock(examples.length > 1 ? `Answer ${status}, ${name}` : `Answer ${status}`, example),
  )
}

function exampleBlock(label: string, { dataValue, serializedValue }: Example): Content {
  if (serializedValue !== undefined) return block(label, serializedValue.trimEnd())
  return typeof dataValue === 'string' ? block(label, dataValue.trimEnd()) : jsonBlock(label, dataValue)
}

function errorLine(status: number, { content }: Response): Content {
  const codes = Object.keys(mediaOf({ content })?.media.examples ?? {})
  return html`<li><b>${status}</b> ${joined(codes.map(errorLink), ', ')}</li>`
}

function mediaOf(of: { readonly content?: Readonly<Record<string, Media>> | undefined } | undefined) {
  const [first] = Object.entries(of?.content ?? {})
  return first && { name: first[0], media: first[1] }
}

function method({ method }: Operation): Content {
  return html`<span class="method ${method}">${method.toUpperCase()}</span>`
}

function eventLink(type: string): Content {
  return html`<a href="#${type === 'topic.event' ? 'global.posted' : `global.${type}`}">${type}</a>`
}

function errorLink(code: string): Content {
  return html`<a href="#error-${code}">${code}</a>`
}

/** A path that may be broken behind its slashes. */
function breakable(path: string): Content {
  return joined(path.split('/'), html`/<wbr>`)
}
