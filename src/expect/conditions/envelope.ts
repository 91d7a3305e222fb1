/** An event as a channel shows it. */
export interface Envelope {
  readonly channel: string
  readonly event: string
  readonly data: unknown
  /** In milliseconds since 1970. */
  readonly timestamp: number
  readonly id: string
  /** Of a stored event: who caused it. */
  readonly actor?: string | null
  /** On `global`: the topic that the event was posted on. */
  readonly topic?: string
}
