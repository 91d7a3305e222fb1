/** Commands that can be pasted into a shell: one for each operation. */
import type { Operation, Parameter } from './documents.ts'
import { TOKEN, URL_BASE } from './place.ts'

const JSON_BODY = "-H 'Content-Type: application/json'"
/** An upgrade as `curl` can ask for it, with the key of the example in RFC 6455, 1.2. */
const UPGRADE = [
  '-iN --http1.1 -H "Connection: Upgrade" -H "Upgrade: websocket"',
  '-H "Sec-WebSocket-Version: 13" -H "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="',
]

/** The request of the examples: with what is required, and no more. */
export function curlOf(operation: Operation): string {
  const { method, path, parameters = [], security } = operation
  const body = bodyOf(operation)
  const isListening = operation.tags.some((tag) => tag === 'Streams' || tag === 'Sockets')
  const isStream = operation.tags.includes('Streams')
  const isSocket = isListening && !isStream
  const verb = method === 'get' || (method === 'post' && body !== undefined) ? '' : ` -X ${method.toUpperCase()}`
  const token = security.length > 0 ? TOKEN : ''
  const query = parameters.filter(
    ({ in: place, required, name }) => place === 'query' && (required || (isListening && name === 'boardId')),
  )
  const url = quoted(URL_BASE + filled(path, parameters) + queryOf(query))
  const [first = '', ...others] = [
    `curl${token}${verb}${isStream ? ' -N' : ''}${body === undefined ? '' : ` ${JSON_BODY}`}`,
    ...(isSocket ? UPGRADE : []),
    ...(body === undefined ? [] : [`-d ${quoted(JSON.stringify(body))}`]),
  ]
  return others.length === 0 ? `${first} ${url}` : [first, ...others, url].join(' \\\n  ')
}

/** A word of a shell that stands for just this text. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function bodyOf({ requestBody }: Operation): unknown {
  const [media] = Object.values(requestBody?.content ?? {})
  return Object.values(media?.examples ?? {})[0]?.dataValue
}

function filled(path: string, parameters: readonly Parameter[]): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => exampleOf(parameters.find((one) => one.name === name)))
}

function queryOf(parameters: readonly Parameter[]): string {
  if (parameters.length === 0) return ''
  return `?${parameters.map((parameter) => `${parameter.name}=${exampleOf(parameter)}`).join('&')}`
}

function exampleOf(parameter: Parameter | undefined): string {
  return encodeURIComponent(String(parameter?.example ?? ''))
}
