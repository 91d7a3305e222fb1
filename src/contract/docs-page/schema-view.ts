/** Schemas as people read them: one line for a type, a list for the fields of an object. */
import { type Documents, nameOf, type Parameter, type Schema } from './documents.ts'
import { type Content, html, inline, joined } from './html.ts'

/** Where a schema is shown: types that it refers to are linked, and listed once at the end of the page. */
export interface SchemaView {
  /** A list of the fields of an object; a line for anything else. */
  fields(schema: Schema): Content
  /** Of one type. */
  type(schema: Schema): Content
  parameters(parameters: readonly Parameter[]): Content
  /** What references lead to. */
  resolve(schema: Schema): Schema
  /** The types that were referred to so far, and have not been taken yet, by name. */
  takeReferred(): ReadonlyArray<readonly [string, Schema]>
}

interface Field {
  readonly path: string
  readonly schema: Schema
  readonly isRequired: boolean
}

/** The id of an event, as both documents write it. */
const CURSOR_PATTERN = '^[0-9a-f]{8}-(0|[1-9][0-9]{0,15})$'
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'
/** Longer ones say little at a glance; the JSON Schema has them. */
const MAX_PATTERN = 40

export function schemaView({ openApi, asyncApi }: Documents): SchemaView {
  const schemas = { ...asyncApi.components.schemas, ...openApi.components.schemas }
  const referred = new Set<string>()
  const taken = new Set<string>()

  function resolve(schema: Schema): Schema {
    return typeof schema.$ref === 'string' ? resolve(schemas[nameOf(schema.$ref)] ?? {}) : schema
  }

  function fields(schema: Schema): Content {
    const list = fieldsOf(schema, '', resolve)
    if (list.length === 0) {
      const isEmpty = Object.keys((resolve(schema).properties as object | undefined) ?? { some: 1 }).length === 0
      return html`<p>${isEmpty ? 'No fields.' : type(schema)}</p>`
    }
    return definitions(list.map((field) => row(field, !field.isRequired && 'optional')))
  }

  function row({ path, schema }: Field, note: Content): Content {
    const { description, default: standard } = schema
    return html`<div><dt><code>${path}</code>${note && html` <span class="note">${note}</span>`}</dt><dd>${type(schema)}${
      standard !== undefined && html`, by default <code>${JSON.stringify(standard)}</code>`
    }${typeof description === 'string' && html`<p>${inline(description)}</p>`}</dd></div>`
  }

  function parameters(all: readonly Parameter[]): Content {
    return definitions(
      all.map(({ name, in: place, required, description, schema }) =>
        row(
          { path: name, schema: description === undefined ? schema : { ...schema, description }, isRequired: required },
          place === 'path' ? 'in the path' : `${place}${required ? '' : ', optional'}`,
        ),
      ),
    )
  }

  function type(schema: Schema): Content {
    if (typeof schema.$ref === 'string') {
      const name = nameOf(schema.$ref)
      referred.add(name)
      return html`<a href="#${name}">${name}</a>`
    }
    if ('const' in schema) return html`<code>${JSON.stringify(schema.const)}</code>`
    if (Array.isArray(schema.enum)) {
      const values = schema.enum.map((value) => html`<code>${JSON.stringify(value)}</code>`)
      return values.length > 3 ? ['one of ', joined(values, ', ')] : joined(values, ' or ')
    }
    const options = (schema.anyOf ?? schema.oneOf) as readonly Schema[] | undefined
    if (options && !schema.type) return joined(withoutRepeats(options.map(type)), ' or ')
    if (Array.isArray(schema.type)) {
      return joined(
        schema.type.map((each) => type({ ...schema, type: each })),
        ' or ',
      )
    }
    switch (schema.type) {
      case 'string':
        return stringType(schema)
      case 'integer':
      case 'number':
        return [schema.type, boundsOf(schema)]
      case 'array':
        return ['list of ', type((schema.items as Schema | undefined) ?? {}), upTo(schema.maxItems, 'items')]
      case 'object':
        return isSchema(schema.additionalProperties) && Object.keys(schema.properties ?? {}).length === 0
          ? ['map of ', type(schema.additionalProperties)]
          : 'object'
      case undefined:
        return 'any JSON'
      default:
        return String(schema.type)
    }
  }

  return {
    fields,
    type,
    parameters,
    resolve,
    takeReferred() {
      const names = [...referred].filter((name) => !taken.has(name))
      for (const name of names) taken.add(name)
      return names.map((name) => [name, schemas[name] ?? {}])
    },
  }
}

/** Every field, those of objects inside with their path. Of several forms: the fields of all of them. */
function fieldsOf(schema: Schema, prefix: string, resolve: SchemaView['resolve']): Field[] {
  const forms = prefix === '' ? formsOf(resolve(schema)).map(resolve) : formsOf(schema)
  const objects = forms.filter((form) => form.properties !== undefined)
  const names = new Set(objects.flatMap((form) => Object.keys(form.properties as object)))
  return [...names].flatMap((name) => {
    const having = objects.filter((form) => Object.hasOwn(form.properties as object, name))
    const schemas = withoutRepeats(
      having.map((form) => (form.properties as Readonly<Record<string, Schema>>)[name] ?? {}),
    )
    const isRequired = objects.every((form) => (form.required as readonly string[] | undefined)?.includes(name))
    const [first = {}] = schemas
    const own = { path: prefix + name, schema: schemas.length === 1 ? first : { anyOf: schemas }, isRequired }
    return [own, ...schemas.flatMap((inner) => fieldsOf(insideOf(inner), `${own.path}${suffixOf(inner)}.`, resolve))]
  })
}

function formsOf(schema: Schema): readonly Schema[] {
  const options = (schema.anyOf ?? schema.oneOf) as readonly Schema[] | undefined
  return options && schema.properties === undefined ? options.flatMap(formsOf) : [schema]
}

/** Objects that have no name are shown where they are. */
function insideOf(schema: Schema): Schema {
  return schema.type === 'array' && isSchema(schema.items) ? schema.items : schema
}

function suffixOf(schema: Schema): string {
  return schema.type === 'array' ? '[]' : ''
}

function stringType({ format, pattern, minLength, maxLength }: Schema): Content {
  if (typeof format === 'string') return format
  if (typeof pattern === 'string') {
    if (pattern === CURSOR_PATTERN) return html`<a href="#resume">event id</a>`
    const short = pattern.replaceAll(UUID, 'UUID')
    if (/^\^\w+UUID\$$/.test(short)) return html`<code>${short.slice(1, -1)}</code>`
    return short.length <= MAX_PATTERN ? html`string like <code>${short}</code>` : 'string'
  }
  if (typeof maxLength === 'number')
    return `string, ${minLength ? `${minLength} to` : 'at most'} ${maxLength} characters`
  return minLength ? 'string, not empty' : 'string'
}

function boundsOf({ minimum, maximum, exclusiveMinimum }: Schema): string {
  const least = typeof minimum === 'number' && Math.abs(minimum) < Number.MAX_SAFE_INTEGER ? minimum : undefined
  const most = typeof maximum === 'number' && Math.abs(maximum) < Number.MAX_SAFE_INTEGER ? maximum : undefined
  if (least !== undefined && most !== undefined) return `, ${least} to ${most}`
  if (most !== undefined) return `, at most ${most}`
  if (typeof exclusiveMinimum === 'number') return `, above ${exclusiveMinimum}`
  return least === undefined ? '' : `, at least ${least}`
}

function upTo(most: unknown, what: string): string {
  return typeof most === 'number' ? `, at most ${most} ${what}` : ''
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function definitions(rows: readonly Content[]): Content {
  return html`<dl class="fields">${rows}</dl>`
}

function withoutRepeats<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()]
}
