/** The connections that a client can open, and one event on each of them. */
import { block, command, frameText, jsonBlock } from './code.ts'
import { quoted } from './curl.ts'
import type { AsyncApiDocument, ChannelObject, Documents, MessageObject, Parameter, Schema } from './documents.ts'
import { type Content, html, inline, joined, prose } from './html.ts'
import type { Part } from './part.ts'
import { SOCKET_BASE, TOKEN, URL_BASE, WITH_RIGHTS } from './place.ts'
import type { SchemaView } from './schema-view.ts'

/** What an example follows. */
const FOLLOWED: Readonly<Record<string, string>> = {
  boardStream: '/sse?boardId=demo&view=diff',
  dashboardStream: '/sse',
  channelStream: '/sse?channels=board:demo,agent:claude-1',
  agentStream: '/events/claude-1',
  boardSocket: '/ws?boardId=demo',
  dashboardSocket: '/ws/dashboard',
  channelSocket: '/ws?channels=board:demo,agent:claude-1',
}
/** The event that is shown in every form. */
const SHOWN = 'board.card_moved'

export function connectionParts({ asyncApi }: Documents, view: SchemaView): readonly Part[] {
  return [
    {
      id: 'forms',
      title: 'One event, on each of them',
      intro: html`<p>Streams of channels and sockets of channels name the channel; the others have one subject, and send the
bare payload. An event has the same id everywhere.</p><div class="cards">${forms(asyncApi)}</div>`,
      entries: [],
    },
    {
      id: 'all-connections',
      title: 'Streams and sockets',
      entries: Object.entries(asyncApi.channels).map(([name, channel]) => ({
        id: name,
        title: name,
        words: `${channel.title} ${channel.summary} ${channel.address}`,
        content: connectionContent(name, channel, queryOf(asyncApi, name, channel), view),
      })),
    },
  ]
}

function connectionContent(name: string, channel: ChannelObject, query: Schema, view: SchemaView): Content {
  const { address, summary, description, messages } = channel
  const isSocket = isOnSocket(channel)
  const parameters = Object.entries((query.properties ?? {}) as Readonly<Record<string, Schema>>).map(
    ([parameter, schema]): Parameter => ({ name: parameter, in: 'query', required: false, schema }),
  )
  return html`<p class="address"><span class="method get">${isSocket ? 'SOCKET' : 'STREAM'}</span> <code>${address}</code></p>
<div class="pair"><div><p>${inline(summary)}</p>${paragraphs(description)}
<h5>Parameters</h5>${view.parameters(parameters)}
</div><div>
${opening(name, isSocket)}
<h5>What it shows</h5>${messageLinks(messages)}
</div></div>`
}

/** Close codes are a list. */
function paragraphs(description: string): Content {
  const [text = '', codes] = description.split(' Close codes: ')
  if (codes === undefined) return prose(text)
  const items = codes.replace(/\.$/, '').split('; ')
  return html`${prose(text)}<h5>Close codes</h5><ul class="codes">${items.map((item) => html`<li><b>${item.slice(0, 4)}</b>${inline(item.slice(4))}</li>`)}</ul>`
}

function opening(name: string, isSocket: boolean): Content {
  const path = FOLLOWED[name] ?? ''
  if (!isSocket) return command('Listen', `curl${TOKEN} -N ${quoted(URL_BASE + path)}`)
  const url = `${SOCKET_BASE}${path}`
  return block(
    'In a browser, or Node 22',
    `const socket = new WebSocket('${url}')
socket.onmessage = ({ data }) => console.log(JSON.parse(data))${WITH_RIGHTS}
// with a ticket of POST /api/v1/tickets: '&ticket=' + ticket${WITH_RIGHTS}`,
  )
}

function messageLinks(messages: ChannelObject['messages']): Content {
  const kinds = new Map<string, string[]>()
  for (const key of Object.keys(messages)) {
    const kind = key.slice(0, key.indexOf('.'))
    kinds.set(kind, [...(kinds.get(kind) ?? []), key])
  }
  return [...kinds].map(
    ([kind, keys]) =>
      html`<details class="links"><summary>${kind} <span class="note">${keys.length}</span></summary><p>${joined(
        keys.map((key) => html`<a href="#${key}">${key.slice(kind.length + 1)}</a>`),
        ', ',
      )}</p></details>`,
  )
}

function forms({ channels }: AsyncApiDocument): Content {
  return Object.entries(channels).flatMap(([name, channel]) => {
    const message = channel.messages[SHOWN]
    return message ? [form(name, channel, message)] : []
  })
}

function form(name: string, channel: ChannelObject, { examples }: MessageObject): Content {
  const [example] = examples
  if (!example) return null
  return isOnSocket(channel)
    ? jsonBlock(name, example.payload)
    : block(name, frameText(example.headers ?? {}, example.payload))
}

function isOnSocket({ servers }: ChannelObject): boolean {
  return servers.some(({ $ref }) => $ref.endsWith('/ws'))
}

/** In the bindings of the channel, or of the operation that sends on it. */
function queryOf({ operations }: AsyncApiDocument, name: string, { bindings }: ChannelObject): Schema {
  if (bindings) return bindings.ws.query
  const sending = Object.values(operations).find(
    ({ channel, bindings: own }) => own !== undefined && channel.$ref === `#/channels/${name}`,
  )
  return sending?.bindings?.http.query ?? {}
}
