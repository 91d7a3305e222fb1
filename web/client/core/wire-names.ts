/** Every name that a frame of a channel stream may have; put in by the build (vite.event-names.ts), from the catalogue. */
declare const __WIRE_EVENTS__: readonly string[]

export const WIRE_NAMES: readonly string[] = typeof __WIRE_EVENTS__ === 'undefined' ? [] : __WIRE_EVENTS__

const known = new Set(WIRE_NAMES)

/** Whether this version knows events of this name. */
export function isKnown(event: string): boolean {
  return known.size === 0 || known.has(event)
}
