/** The JSON Schema of each event, complete in itself: for `boardcast schema NAME`. */
import { COMPONENTS, Components, type JsonSchema } from './json-schema.ts'
import { allSchemas } from './openapi.ts'
import { pascalCase, shownEvents } from './payloads.ts'
import { controlEvents, unstoredEvents } from './stream-events.ts'

const DIALECT = 'https://json-schema.org/draft/2020-12/schema'

/** Every name that `eventSchema` knows: wire names, domain names, control events and snapshots. */
export function eventNames(): readonly string[] {
  return [...componentNames().keys()].sort()
}

/**
 * The schema of the payload that an event has under this name: `card_moved` bare, `card.moved` as `global` shows it. A name
 * that a channel has too means the payload there. Undefined for a name that there is not.
 */
export function eventSchema(name: string): JsonSchema | undefined {
  const component = componentNames().get(name)
  if (component === undefined) return undefined
  const components = new Components(allSchemas())
  components.refTo(component)
  const { [component]: own, ...others } = components.used
  const definitions = moved(others) as Readonly<Record<string, JsonSchema>>
  return {
    $schema: DIALECT,
    title: component,
    ...(moved(own) as JsonSchema),
    ...(Object.keys(others).length > 0 && { $defs: definitions }),
  }
}

function componentNames(): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  for (const { event, name, destination } of shownEvents) if (destination || !names.has(event)) names.set(event, name)
  for (const event of Object.keys(controlEvents)) names.set(event, pascalCase(event))
  for (const { event } of unstoredEvents) names.set(event, pascalCase(event))
  return names
}

/** With references to `$defs`. */
function moved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(moved)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) =>
      key === '$ref' && typeof inner === 'string' ? [key, inner.replace(COMPONENTS, '#/$defs/')] : [key, moved(inner)],
    ),
  )
}
