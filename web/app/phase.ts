/** How a stream is, and what leads from one phase to the next. */
export type Phase =
  | { readonly name: 'connecting' }
  | { readonly name: 'live' }
  /** What was missed is no longer in the log; the state on screen is fresh. Lasts until the next heartbeat. */
  | { readonly name: 'gap' }
  | { readonly name: 'reconnecting'; readonly why: 'lost' | 'silent' | 'refused' | 'draining' | 'overloaded' }
  | { readonly name: 'ended'; readonly why: 'deleted' | 'missing' | 'forbidden' }

export type Signal =
  | 'hello'
  | 'heartbeat'
  | 'gap'
  | 'lost'
  | 'silent'
  | 'refused'
  | 'draining'
  | 'overloaded'
  | 'deleted'
  | 'missing'
  | 'forbidden'

/** The same phase object comes back when nothing changes. */
export function nextPhase(phase: Phase, signal: Signal): Phase {
  if (phase.name === 'ended') return phase
  switch (signal) {
    case 'hello':
      return { name: 'live' }
    case 'heartbeat':
      return phase.name === 'live' ? phase : { name: 'live' }
    case 'gap':
      return { name: 'gap' }
    case 'lost':
    case 'silent':
    case 'refused':
      // The first reason is the one that explains: a drained stream is also lost, a lost one may then be refused.
      return phase.name === 'reconnecting' ? phase : { name: 'reconnecting', why: signal }
    case 'draining':
    case 'overloaded':
      return { name: 'reconnecting', why: signal }
    case 'deleted':
    case 'missing':
    case 'forbidden':
      return { name: 'ended', why: signal }
    default:
      return signal satisfies never
  }
}
