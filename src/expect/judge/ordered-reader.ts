/**
 * Readings in which events serve expectations in the order of both. All of them are followed at once, event by event; of
 * those with the same future only the best is kept, so that the effort for an event depends on the number of expectations
 * and not on the length of the log.
 */

import type { Saved } from '../conditions/condition.ts'
import type { Envelope } from '../conditions/envelope.ts'
import { type Expectation, fits, isBounded, usedBy } from '../scenario/scenario.ts'
import { Bindings, NOTHING_SAVED } from './bindings.ts'
import type { BrokenBy, Reader, Reading } from './reading.ts'

interface Link {
  readonly index: number
  /** The expectation that the event serves; undefined for none. */
  readonly step?: number
  readonly before: Link | undefined
}

interface State {
  /** The expectation that was served last; -1 at the beginning. */
  readonly step: number
  /** Events that serve it, up to the number from which on more make no difference. */
  readonly count: number
  readonly saved: Saved
  /** Both ascending. */
  readonly missing: readonly number[]
  readonly over: readonly number[]
  readonly strayCount: number
  readonly trail: Link | undefined
}

interface Arrival {
  readonly index: number
  readonly envelope: Envelope
  readonly isCounted: boolean
  fits(step: number, saved: Saved): boolean
}

const BEGINNING: State = {
  ...{ step: -1, count: 0, saved: NOTHING_SAVED, missing: [], over: [], strayCount: 0, trail: undefined },
}

export interface OrderedOptions {
  /** Whether an event must serve something. */
  isCounted(event: string): boolean
}

export class OrderedReader implements Reader {
  readonly #steps: readonly Expectation[]
  readonly #isFixed: readonly boolean[]
  readonly #isCounted: (event: string) => boolean
  readonly #bindings = new Bindings()
  #states: readonly State[] = [BEGINNING]

  constructor(steps: readonly Expectation[], { isCounted }: OrderedOptions) {
    this.#steps = steps
    this.#isFixed = steps.map((step) => usedBy(step).length === 0)
    this.#isCounted = isCounted
  }

  add(envelope: Envelope, index: number): void {
    const isCounted = this.#isCounted(envelope.event)
    if (!isCounted && !this.#steps.some((step) => step.hasType(envelope.event))) return
    const arrival = this.#arrival(envelope, index, isCounted)
    const next = new Map<string, State>()
    // Of equal readings the first is kept: that in which expectations were served earlier.
    for (const state of this.#states.toSorted((a, b) => b.step - a.step || b.count - a.count)) {
      for (const successor of this.#successors(state, arrival)) {
        const key = `${successor.step} ${successor.count} ${this.#bindings.numberOf(successor.saved)}`
        const known = next.get(key)
        if (!known || isBetter(successor, known)) next.set(key, successor)
      }
    }
    this.#states = [...next.values()]
  }

  best(brokenBy: BrokenBy): Reading {
    return this.#reading(this.#bestAtEnd(brokenBy))
  }

  isMissing(brokenBy: BrokenBy): boolean {
    return this.#bestAtEnd(brokenBy).missing.length > 0
  }

  isOpen(brokenBy: BrokenBy): boolean {
    return this.#states.some((state) => faults(state) === 0 && brokenBy(state.saved).size === 0)
  }

  #bestAtEnd(brokenBy: BrokenBy): State {
    let best: State | undefined
    let bestBroken = 0
    for (const state of this.#states) {
      const ended = { ...state, missing: this.#missingAtEnd(state) }
      const broken = brokenBy(state.saved).size
      if (!best || isBetter(ended, best, broken - bestBroken)) {
        best = ended
        bestBroken = broken
      }
    }
    return best ?? BEGINNING
  }

  #arrival(envelope: Envelope, index: number, isCounted: boolean): Arrival {
    const fixed: Array<boolean | undefined> = []
    return {
      ...{ envelope, index, isCounted },
      fits: (step, saved) => {
        const expected = this.#steps[step]
        if (!expected) return false
        if (!this.#isFixed[step]) return fits(expected, envelope, saved)
        fixed[step] ??= fits(expected, envelope, saved)
        return fixed[step]
      },
    }
  }

  *#successors(state: State, arrival: Arrival): Generator<State> {
    // An event that the current expectation fits is never better left out: if it is one too many there, it also is if left.
    if (arrival.fits(state.step, state.saved)) yield this.#servedAgain(state, arrival)
    else yield this.#left(state, arrival)
    for (let step = state.step + 1; step < this.#steps.length; step += 1) {
      if (!arrival.fits(step, state.saved)) continue
      const entered = this.#entered(state, step, arrival)
      if (entered) yield entered
    }
  }

  #servedAgain(state: State, { index }: Arrival): State {
    const { min, max } = this.#countOf(state.step)
    const trail = { index, step: state.step, before: state.trail }
    if (state.count === max) return { ...state, over: withNumber(state.over, state.step), trail }
    return {
      ...state,
      count: max === Number.POSITIVE_INFINITY ? Math.min(state.count + 1, min) : state.count + 1,
      trail,
    }
  }

  #entered(state: State, step: number, { index, envelope }: Arrival): State | undefined {
    const expected = this.#steps[step]
    const saved = expected && this.#bindings.after(state.saved, expected, envelope)
    if (!saved) return undefined
    const { min, max } = this.#countOf(step)
    return {
      ...state,
      ...{ step, saved, count: max === Number.POSITIVE_INFINITY ? Math.min(1, min) : 1 },
      missing: [...state.missing, ...this.#unmetBetween(state, step)],
      trail: { index, step, before: state.trail },
    }
  }

  #left(state: State, arrival: Arrival): State {
    const { index, isCounted } = arrival
    if (isCounted) {
      return { ...state, strayCount: state.strayCount + 1, trail: { index, before: state.trail } }
    }
    const bounded = this.#steps.flatMap((step, at) => (isBounded(step) && arrival.fits(at, state.saved) ? [at] : []))
    const blamed = bounded.findLast((step) => step <= state.step) ?? bounded[0]
    if (blamed === undefined) return state
    const trail = { index, step: blamed, before: state.trail }
    return { ...state, over: withNumber(state.over, blamed), trail }
  }

  #missingAtEnd(state: State): readonly number[] {
    return [...state.missing, ...this.#unmetBetween(state, this.#steps.length)]
  }

  /** The current expectation and those up to the next that lack events when the next one is served. */
  #unmetBetween(state: State, next: number): number[] {
    const unmet: number[] = []
    for (let step = Math.max(state.step, 0); step < next; step += 1) {
      const count = step === state.step ? state.count : 0
      if (count < this.#countOf(step).min) unmet.push(step)
    }
    return unmet
  }

  #reading({ saved, missing, over, trail }: State): Reading {
    const served = this.#steps.map((): number[] => [])
    const strays: number[] = []
    for (let link = trail; link; link = link.before) {
      const list = link.step === undefined ? strays : served[link.step]
      list?.push(link.index)
    }
    const named = (steps: readonly number[]) => new Set(this.#steps.filter((_, at) => steps.includes(at)))
    return {
      saved,
      served: new Map(this.#steps.map((step, at) => [step, (served[at] ?? []).reverse()])),
      missing: named(missing),
      over: named(over),
      strays: strays.reverse(),
    }
  }

  #countOf(step: number) {
    return this.#steps[step]?.count ?? { min: 0, max: 0 }
  }
}

function faults({ missing, over, strayCount }: State): number {
  return new Set([...missing, ...over]).size + strayCount
}

function isBetter(one: State, other: State, moreBroken = 0): boolean {
  const difference = faults(one) + moreBroken - faults(other)
  if (difference !== 0) return difference < 0
  if (one.strayCount !== other.strayCount) return one.strayCount < other.strayCount
  return isEarlier(failing(other), failing(one))
}

function failing({ missing, over }: State): number[] {
  return [...new Set([...missing, ...over])].sort((a, b) => a - b)
}

/** By the first numbers that differ. */
function isEarlier(one: readonly number[], other: readonly number[]): boolean {
  const at = one.findIndex((step, i) => step !== other[i])
  return at >= 0 && (one[at] ?? 0) < (other[at] ?? Number.POSITIVE_INFINITY)
}

function withNumber(numbers: readonly number[], added: number): readonly number[] {
  return numbers.includes(added) ? numbers : [...numbers, added].sort((a, b) => a - b)
}
