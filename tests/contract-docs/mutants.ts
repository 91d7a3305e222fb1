/** A payload with a field too many, or one too few, at every place. */

/** Places that clients fill as they like, and maps by id. */
const OPEN = new Set([
  'config',
  'details',
  'metadata',
  'result',
  'content',
  'capabilities',
  'files',
  'columnCardCounts',
  'channelStats',
])
/** Fields that may be missing. */
const OPTIONAL = new Set(['stream', 'title', 'worktreePath', 'error', 'changes', 'progress', 'author'])

export interface Mutant {
  readonly what: string
  readonly value: unknown
}

/** With one more field in each object. */
export function withSurplus(payload: unknown, isOpen = isOpenField): Mutant[] {
  return visit(payload, '', isOpen, (object, path, rebuild) => [
    { what: `a field more at ${path || 'the top'}`, value: rebuild({ ...object, surplus: 1 }) },
  ])
}

/** Without each field that is always there. */
export function withLess(
  payload: unknown,
  isOptional = (field: string, _path: string) => OPTIONAL.has(field),
  isOpen = isOpenField,
): Mutant[] {
  return visit(payload, '', isOpen, (object, path, rebuild) =>
    Object.keys(object)
      .filter((field) => !isOptional(field, path))
      .map((field) => {
        const { [field]: _, ...rest } = object
        return { what: `without ${path}.${field}`, value: rebuild(rest) }
      }),
  )
}

/** Whether clients fill the place as they like. */
export function isOpenField(path: string): boolean {
  return OPEN.has(path.split('.').at(-1) ?? '')
}

type Fields = Readonly<Record<string, unknown>>

function visit(
  value: unknown,
  path: string,
  isOpen: (path: string) => boolean,
  mutate: (object: Fields, path: string, rebuild: (changed: Fields) => unknown) => Mutant[],
): Mutant[] {
  if (Array.isArray(value)) {
    return value.flatMap((item, index) =>
      visit(item, path, isOpen, mutate).map(({ what, value: changed }) => ({
        what,
        value: value.map((other, at) => (at === index ? changed : other)),
      })),
    )
  }
  if (typeof value !== 'object' || value === null) return []
  const object = value as Fields
  const isMap = Object.keys(object).some((key) => /^(col|crd)_/.test(key))
  const own = isMap || isOpen(path) ? [] : mutate(object, path, (changed) => changed)
  if (isOpen(path)) return own
  const inner = Object.entries(object).flatMap(([field, nested]) =>
    visit(nested, `${path}.${field}`, isOpen, mutate).map(({ what, value: changed }) => ({
      what,
      value: { ...object, [field]: changed },
    })),
  )
  return [...own, ...inner]
}
