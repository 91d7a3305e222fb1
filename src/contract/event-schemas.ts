/** The JSON Schema of each event's payload, complete in itself: for `boardcast schema`. */
import { CONTROL, EVERYONE } from '../../shared/src/protocol.ts'
import { COMPONENTS, Components, type JsonSchema } from './json-schema.ts'
import { allSchemas } from './openapi.ts'
import { pascalCase, shownEvents } from './payloads.ts'
import { controlEvents, unstoredEvents } from './stream-events.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

export interface ListedEvent {
  /**
   * The kind of a channel (`board`, `global`), or `everyone`: sent to every connection; `control`: about the connection
   * itself; `snapshot`: rendered from the database.
   */
  readonly kind: string
  /** Its name there. */
  readonly name: string
  /** The domain event behind it, if there is one. */
  readonly type?: string
  readonly summary: string
}

interface Known extends ListedEvent {
  readonly component: string
}

let known: ReadonlyMap<string, Known> | undefined
let components: Readonly<Record<string, JsonSchema>> | undefined

/** Every event on every kind of channel that shows it; not those that clients post, whose payloads are theirs. */
export function eventList(): readonly ListedEvent[] {
  return [...all().values()].map(({ component: _, ...listed }) => listed)
}

/** The schema of the bare payload; on `global` that has the ids too. Undefined: that kind has no event of this name. */
export function eventSchema(kind: string, name: string): JsonSchema | undefined {
  const component = all().get(keyOf(kind, name))?.component
  if (component === undefined) return undefined
  components ??= convertAll()
  const definitions: Record<string, JsonSchema> = {}
  const own = moved(components[component], components, definitions)
  return {
    $schema: DIALECT,
    title: component,
    ...(kind === 'board' && name === 'attempt_status' ? withReplayed(own) : own),
    ...(Object.keys(definitions).length > 0 && { $defs: definitions }),
  }
}

function all(): ReadonlyMap<string, Known> {
  known ??= new Map(listed().map((each) => [keyOf(each.kind, each.name), each]))
  return known
}

function keyOf(kind: string, name: string): string {
  return `${kind} ${name}`
}

function listed(): Known[] {
  const shown = shownEvents.map(({ channel, event, type, entry, name: component }) => ({
    ...{ kind: channel === EVERYONE ? 'everyone' : channel, name: event, type, summary: entry.summary, component },
  }))
  const unstored = unstoredEvents.flatMap(({ event, summary, channels }) => {
    const kinds = channels.length > 1 ? channels : ['snapshot']
    return kinds.map((kind) => ({ kind, name: event, summary, component: pascalCase(event) }))
  })
  const control = Object.values(CONTROL).map((event) => ({
    ...{ kind: 'control', name: event, summary: controlEvents[event].summary, component: pascalCase(event) },
  }))
  return [...shown, ...unstored, ...control].sort((a, b) => order(a.kind, b.kind) || order(a.name, b.name))
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Conversion is slow: once for all events. */
function convertAll(): Readonly<Record<string, JsonSchema>> {
  const made = new Components(allSchemas())
  for (const { component } of all().values()) made.refTo(component)
  return made.used
}

/** A stream of a board begins with the newest attempt of each card, which is marked. */
function withReplayed(schema: JsonSchema): JsonSchema {
  return { ...schema, properties: { ...(schema.properties as JsonSchema), replayed: { const: true } } }
}

/** With references to `$defs`; what they lead to is added to `definitions`. */
function moved(
  schema: JsonSchema | undefined,
  from: Readonly<Record<string, JsonSchema>>,
  definitions: Record<string, JsonSchema>,
): JsonSchema {
  const moveIn = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(moveIn)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) =>
        key === '$ref' && typeof inner === 'string'
          ? [key, referTo(inner.slice(COMPONENTS.length))]
          : [key, moveIn(inner)],
      ),
    )
  }
  const referTo = (name: string): string => {
    if (!Object.hasOwn(definitions, name)) {
      definitions[name] = {} // before its own references are followed: it may refer to itself
      definitions[name] = moveIn(from[name]) as JsonSchema
    }
    return `#/$defs/${name}`
  }
  return moveIn(schema) as JsonSchema
}
