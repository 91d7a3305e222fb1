/** Checks SSE events against the OpenAPI documents of both versions. */
import { compiler, openApi } from '../contract-docs/documents.ts'

type Validate = ReturnType<ReturnType<typeof compiler>>

interface Branch {
  readonly properties: {
    readonly event?: { readonly const?: string; readonly not?: object }
    readonly data?: { readonly contentSchema: Record<string, unknown> }
  }
}

const STREAM = { $ref: '#/components/schemas/StreamFrame' }

/** Returns what is wrong with the text of an event; undefined if nothing is. */
export function frameValidator(): (frame: string) => string | undefined {
  const document = openApi('3.2')
  const compile = compiler(document)
  const asText = compile(STREAM)
  const asParsed = compiler(openApi('3.1'))(STREAM)
  const schemas = document.components.schemas as Readonly<Record<string, unknown>>
  const { oneOf } = schemas.StreamFrame as { oneOf: Array<{ $ref: string }> }
  const branches = oneOf.map(({ $ref }) => schemas[$ref.split('/').at(-1) ?? ''] as Branch)

  /** Of `contentSchema`, which ajv does not apply by itself. */
  function contentOf(event: unknown): Validate {
    const branch =
      branches.find(({ properties }) => properties.event?.const === event) ??
      branches.find(({ properties }) => properties.event?.not)
    return compile(branch?.properties.data?.contentSchema ?? {})
  }

  return (frame) => {
    const fields = fieldsOf(frame)
    if (!asText(fields)) return `text: ${JSON.stringify(asText.errors?.[0])}`
    const data: unknown = JSON.parse(String(fields.data))
    const content = contentOf(fields.event)
    if (!content(data)) return `data: ${JSON.stringify(content.errors?.[0])}`
    return asParsed({ ...fields, data }) ? undefined : `parsed: ${JSON.stringify(asParsed.errors?.[0])}`
  }
}

function fieldsOf(frame: string): Record<string, unknown> {
  const fields = frame.split('\n').map((line) => {
    const [name = '', ...rest] = line.split(': ')
    const value = rest.join(': ')
    return [name, name === 'retry' ? Number(value) : value]
  })
  return Object.fromEntries(fields)
}
