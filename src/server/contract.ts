/**
 * Serves the contract. Nobody needs a token for it, and its bytes change only with the version. It is loaded and rendered
 * when it is first asked for.
 */
import type { Hono } from 'hono'
import { Problem } from '../base/errors.ts'
import { parseInput } from '../base/validation.ts'
import type { OpenApiVersion } from '../contract/index.ts'
import { answerText, type TextDocument, textDocument } from '../http/text-documents.ts'
import type { Env } from '../routes/api.ts'

export function registerContract(app: Hono<Env>): void {
  const openApi = new Map<OpenApiVersion, TextDocument>()
  app.get('/openapi.json', async (c) => {
    const { openApiQuery, renderOpenApi } = await import('../contract/index.ts')
    const { version } = parseInput(openApiQuery, c.req.query(), 'query')
    let document = openApi.get(version)
    if (!document) {
      document = textDocument(renderOpenApi(version), 'application/json')
      openApi.set(version, document)
    }
    return answerText(c, document)
  })

  let asyncApi: TextDocument | undefined
  app.get('/asyncapi.json', async (c) => {
    const { renderAsyncApi } = await import('../contract/index.ts')
    asyncApi ??= textDocument(renderAsyncApi(), 'application/json')
    return answerText(c, asyncApi)
  })

  const schemas = new Map<string, TextDocument>()
  app.get('/schemas/:kind/:file', async (c) => {
    const { kind, file } = c.req.param()
    const name = SCHEMA_FILE.exec(file)?.[1]
    const { eventSchemaText } = await import('../contract/index.ts')
    const text = name === undefined ? undefined : eventSchemaText(kind, name)
    if (text === undefined) {
      throw new Problem(
        'not_found',
        `There is no schema of that name. Events are in /docs: /schemas/KIND/NAME.schema.json.`,
      )
    }
    const key = `${kind} ${file}`
    const document = schemas.get(key) ?? textDocument(text, 'application/schema+json')
    schemas.set(key, document)
    return answerText(c, document)
  })
}

const SCHEMA_FILE = /^(.+)\.schema\.json$/
