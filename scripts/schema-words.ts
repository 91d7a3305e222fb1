/** Describes JSON Schema: the types, bounds and fields that a table shows. */

/** The parts of JSON Schema that are shown here. */
export interface Schema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | boolean
  readonly format?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
}

export interface Field {
  readonly name: string
  readonly type: string
  readonly bounds: string
}

export function propertiesOf({ properties = {}, required = [] }: Schema): Field[] {
  return Object.entries(properties).map(([name, property]) => ({
    name: required.includes(name) ? name : `${name}?`,
    type: typeWord(property),
    bounds: boundsWord(property),
  }))
}

/** The fields, with those of nested objects named by their paths. */
export function flattened(schema: Schema): Field[] {
  return propertiesOf(schema).flatMap((field) => {
    const property = schema.properties?.[field.name.replace('?', '')] ?? {}
    const [inner, type, path] = property.items?.properties
      ? [property.items, 'object[]', `${field.name}[].`]
      : [property, 'object', `${field.name}.`]
    if (!inner.properties) return [field]
    return [{ ...field, type }, ...flattened(inner).map((own) => ({ ...own, name: path + own.name }))]
  })
}

/** `time` is ISO 8601 in UTC with milliseconds; `any` is any JSON. A named schema is its name. */
export function typeWord(schema: Schema): string {
  if (schema.$ref) return schema.$ref.startsWith('#/$defs/__') ? 'any' : schema.$ref.replace('#/$defs/', '')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => String(value)).join(' | ')
  const variants = schema.anyOf ?? schema.oneOf
  if (variants) return [...new Set(variants.map(typeWord))].join(' | ')
  if (Array.isArray(schema.type)) return schema.type.join(' | ')
  switch (schema.type) {
    case 'string':
      return schema.format === 'date-time' ? 'time' : 'string'
    case 'array': {
      const item = typeWord(schema.items ?? {})
      return item.includes(' | ') && !item.startsWith('{') ? `(${item})[]` : `${item}[]`
    }
    case 'object':
      if (schema.properties) {
        return `{${propertiesOf(schema)
          .map(({ name, type }) => `${name}: ${type}`)
          .join(', ')}}`
      }
      return `{string: ${typeWord(typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {})}}`
    default:
      return String(schema.type ?? 'any')
  }
}

function boundsWord(schema: Schema): string {
  const inner = (schema.anyOf ?? schema.oneOf)?.find(({ type }) => type === 'string' || type === 'array') ?? schema
  const words: string[] = []
  if (inner.type === 'string' && inner.format === undefined) {
    if (inner.maxLength !== undefined) words.push(`${inner.minLength ?? 0} to ${inner.maxLength} characters`)
    if (inner.pattern) words.push(`\`${inner.pattern}\``)
  }
  if (inner.maxItems !== undefined) {
    words.push(`${inner.minItems === inner.maxItems ? 'exactly' : 'at most'} ${inner.maxItems}`)
  }
  return words.join(', ')
}
