/** What can be waited for. */
export const KINDS = ['attempt', 'card', 'run', 'session'] as const
export const THINGS = [...KINDS, 'server'] as const
