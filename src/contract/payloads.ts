/** The names and the schemas of what events show: bare on a channel, whole on `global`. */
import * as z from 'zod'
import { exampleTime } from '../../shared/src/catalogue/examples.ts'
import { catalogue, type Destination, type Entry, placementsOf } from '../../shared/src/catalogue.ts'
import { namedSchemas } from '../../shared/src/names.ts'

export type Shown = {
  /** The kind of the channel; `*` for every connection, `global` for the domain name there. */
  readonly channel: string
  /** The name of the event there. */
  readonly event: string
  /** The name of the component. */
  readonly name: string
  readonly schema: z.ZodType
  readonly example: Readonly<Record<string, unknown>>
  readonly type: string
  readonly entry: Entry
  /** null: on `global`. */
  readonly destination: Destination | null
}

const entries: ReadonlyArray<readonly [string, Entry]> = Object.entries(catalogue)
const schemas = new Map<string, z.ZodType>()
const EXAMPLE_MS = Date.parse(exampleTime)

/** Every event on every kind of channel that shows it, but for those that clients post. */
export const shownEvents: readonly Shown[] = entries.flatMap(([type, entry]) =>
  entry.isPosted ? [] : [...entry.to.flatMap((to) => onChannel(type, entry, to)), onGlobal(type, entry)],
)

/** The schemas of payloads that have no other name, by the name of their component. */
export const payloadSchemas: ReadonlyMap<string, z.ZodType> = schemas

/** `card_moved`, `card.moved`: `CardMoved`. */
export function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|[._-])([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function onChannel(type: string, entry: Entry, destination: Destination): Shown[] {
  if (destination.silent) return []
  const { channel, event, lines, data } = destination
  const name = pascalCase(event)
  const schema = declare(name, destination.payload ?? entry.shows)
  const shown = shownExample(entry, destination)
  const example = lines
    ? { timestamp: EXAMPLE_MS, lines: lines(shown) }
    : (data?.(shown) ?? pick(shown, entry.fields.shows))
  return [{ channel, event, name, schema, example, type, entry, destination }]
}

/** The example of the event, as it must be in order to show there. */
function shownExample({ example }: Entry, { when }: Destination): Entry['example'] {
  if (!when || !('areNull' in when)) return example
  return { ...example, ...Object.fromEntries(when.areNull.map((field) => [field, null])) }
}

function onGlobal(type: string, entry: Entry): Shown {
  const name = `Global${pascalCase(type)}`
  const schema = declare(name, z.strictObject({ ...entry.about.shape, ...entry.shows.shape }))
  return { channel: 'global', event: type, name, schema, example: entry.example, type, entry, destination: null }
}

/** The schema that has the name already, if there is one: a name always stands for the same payload. */
function declare(name: string, schema: z.ZodType): z.ZodType {
  const declared = namedSchemas.get(name)
  if (declared && declared !== schema) throw new Error(`another schema is named ${name}`)
  const known = declared ?? schemas.get(name)
  if (known) return known
  schemas.set(name, schema)
  return schema
}

function pick(example: Readonly<Record<string, unknown>>, fields: readonly string[]) {
  return Object.fromEntries(fields.filter((field) => field in example).map((field) => [field, example[field]]))
}

/** Where an event of the catalogue shows with its example. */
export function exampleChannel({ entry, destination }: Shown): string {
  if (!destination) return 'global'
  return placementsOf(entry, entry.example).find((placed) => placed.destination === destination)?.channel ?? '*'
}
