/** The wire names that the page listens to; put in by the build (vite.event-names.ts), from the catalogue. */
declare const __BOARD_EVENTS__: readonly string[]
declare const __DASHBOARD_EVENTS__: readonly string[]

export const BOARD_EVENTS: readonly string[] = __BOARD_EVENTS__
export const DASHBOARD_EVENTS: readonly string[] = __DASHBOARD_EVENTS__
