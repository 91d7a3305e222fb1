/** The states of a resource, what each input does in each of them, and how they show to readers. */
import { BoardcastError } from '../base/errors.ts'
import type { Phase, Status } from '../base/types.ts'

/**
 * `loading`: nothing to show yet. `live`: as the server has it. `stale`: the last known value; the stream is not open.
 * `error`: it could not be read; temporary failures are retried. `gone`: it does not exist, or no longer.
 */
export type ResourcePhase = 'loading' | 'live' | 'stale' | 'error' | 'gone'

export interface Standing {
  readonly phase: ResourcePhase
  /** Why the phase is `error` or `gone`, or why the last mutation was refused. */
  readonly error: Error | null
}

export type State<Value> =
  /** Nothing was read yet, or not since a gap. */
  | { readonly name: 'loading'; readonly stale: Value | null }
  | { readonly name: 'loaded'; readonly value: Value }
  | { readonly name: 'error'; readonly stale: Value | null; readonly error: Error }
  | { readonly name: 'gone'; readonly error: Error }

/**
 * `ready`, `event` and `gap` come from the subscription. `reopened`: the stream has opened. `asked`: a reader or a mutation
 * expects that the resource exists.
 */
export type Input = 'ready' | 'event' | 'gap' | 'reopened' | 'asked'

/**
 * `load`: send a request. `restart`: wait for the next `ready`. `revisit`: find out whether it exists or can be read now.
 * `check`: find out whether it was deleted. Events are always queued for a request that is in flight; `apply` also applies
 * them to the value.
 */
export type Action = 'load' | 'apply' | 'restart' | 'revisit' | 'check' | 'nothing'

/** What each input does in each state. Answers lead to `loaded`, `error` or `gone` from every state. */
export const TRANSITIONS: Readonly<Record<State<unknown>['name'], Readonly<Record<Input, Action>>>> = {
  loading: { ready: 'load', event: 'nothing', gap: 'restart', reopened: 'nothing', asked: 'nothing' },
  loaded: { ready: 'load', event: 'apply', gap: 'restart', reopened: 'check', asked: 'nothing' },
  error: { ready: 'load', event: 'nothing', gap: 'restart', reopened: 'revisit', asked: 'revisit' },
  gone: { ready: 'load', event: 'load', gap: 'restart', reopened: 'revisit', asked: 'revisit' },
}

/** The value of a state; null while there is none. */
export function currentValue<Value>(state: State<Value>): Value | null {
  return state.name === 'loaded' ? state.value : state.name === 'gone' ? null : state.stale
}

export function phaseOf(state: State<unknown>, status: Status, hasStopped: boolean): ResourcePhase {
  if (state.name === 'error' || state.name === 'gone') return state.name
  if (state.name === 'loaded' && isOpen(status)) return 'live'
  if (currentValue(state) !== null) return 'stale'
  return hasStopped ? 'error' : 'loading'
}

/** Other readers may be catching up while this one has every event. */
export function isOpen({ phase }: { readonly phase: Phase }): boolean {
  return phase === 'open' || phase === 'catching-up'
}

const stopErrors = new WeakMap<object, BoardcastError>()

/** The same error object for the same stop. */
export function stopErrorOf(stop: NonNullable<Status['stop']>): BoardcastError {
  const known = stopErrors.get(stop)
  if (known) return known
  const { reason, detail, status } = stop
  const code = reason === 'closed' || reason === 'unreachable' ? reason : 'refused'
  const made = new BoardcastError(code, `The stream has stopped: ${reason}${detail ? ` (${detail})` : ''}.`, {
    ...(status !== undefined && { status }),
  })
  stopErrors.set(stop, made)
  return made
}
