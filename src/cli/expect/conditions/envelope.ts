/** An event as a channel stream shows it. `data` is JSON. */
export interface Envelope {
  readonly channel: string
  readonly event: string
  readonly data: unknown
  readonly timestamp: string
  readonly id: string
}
