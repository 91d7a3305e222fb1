/** An event as a channel stream shows it. `data` is JSON. */
export interface Envelope {
  readonly channel: string
  readonly event: string
  readonly data: unknown
  /** In milliseconds since 1970. */
  readonly timestamp: number
  readonly id: string
}

/** Such as `2026-11-30T12:03:07.412Z`; the number itself if it is no time. */
export function isoTime({ timestamp }: Envelope): string {
  const time = new Date(timestamp)
  return Number.isNaN(time.getTime()) ? String(timestamp) : time.toISOString()
}
