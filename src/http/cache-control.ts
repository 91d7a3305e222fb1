/** `Cache-Control` of every response of the API: a cached response could be stale. */
export const NOT_STORED = 'no-store'
