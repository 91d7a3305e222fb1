/** `boardcast wait`: until an attempt, a card, a run, a session or the server is so far. */
import { setTimeout as sleep } from 'node:timers/promises'
import { jsonLine, parseJson } from '../../text/json-line.ts'
import { type Api, type ApiOptions, createApi, endlessPatience } from '../api/api.ts'
import { Refused } from '../api/api-errors.ts'
import { fetchFrom } from '../api/fetch.ts'
import { reasonOf } from '../api/retry.ts'
import { CommandError, exitCode, firstOf } from '../process/exit.ts'
import { onInterrupt } from '../process/interrupt.ts'
import { dataOutput, type OutputOptions, type Talk, talk as talkOf } from '../process/output.ts'
import { EventSource } from '../stream/event-source.ts'
import { type Awaited, awaited, type State } from './things.ts'

export interface WaitOptions extends ApiOptions, OutputOptions {
  readonly timeout: number
}

interface Outcome {
  readonly code: number
  readonly thing?: Readonly<Record<string, unknown>>
}

/** Resolves to the exit code. */
export async function waitFor(
  kind: 'attempt' | 'card' | 'run' | 'session',
  id: string,
  state: string,
  options: WaitOptions,
): Promise<number> {
  const thing = awaited(kind, id, state)
  return within(options, (wait) => wait.until(thing, `${kind} ${id}`, state))
}

export async function waitForServer(options: WaitOptions): Promise<number> {
  return within(options, (wait) => wait.forServer())
}

async function within(options: WaitOptions, work: (wait: Wait) => Promise<Outcome>): Promise<number> {
  const talk = talkOf(options)
  const data = dataOutput(options)
  const interrupt = onInterrupt()
  const end = new AbortController()
  const timer = setTimeout(() => end.abort(), options.timeout)
  const wait = new Wait(createApi(options), AbortSignal.any([interrupt.signal, data.gone, end.signal]), talk)
  let outcome: Outcome
  try {
    outcome = await work(wait)
  } catch (error) {
    if (interrupt.signal.aborted || data.gone.aborted) outcome = { code: exitCode.done }
    else if (end.signal.aborted) outcome = { code: wait.timeIsUp() }
    else throw error
  }
  clearTimeout(timer)
  if (outcome.thing !== undefined) {
    const text = data.isLaidOut ? JSON.stringify(outcome.thing, null, 2) : jsonLine(outcome.thing)
    await data.write(`${text}\n`)
  }
  return firstOf([outcome.code, interrupt.exitCode() ?? exitCode.done])
}

const POLL_MS = 200

class Wait {
  readonly #api: Api
  readonly #signal: AbortSignal
  readonly #talk: Talk
  #isLost = false
  #lostReason = ''
  #awaited = ''

  constructor(api: Api, signal: AbortSignal, talk: Talk) {
    this.#api = api
    this.#signal = signal
    this.#talk = talk
  }

  /** Says that the time is up, and returns the exit code. */
  timeIsUp(): number {
    const { baseUrl } = this.#api
    if (!this.#isLost) {
      this.#talk.warn(`the time is up: ${this.#awaited}`)
      return exitCode.timeUp
    }
    this.#talk.warn(`the time is up, and no server answers at ${baseUrl} (${this.#lostReason}).`)
    return exitCode.lost
  }

  /** Reads the thing, then listens from the id on that it was read at, so that nothing is missed in between. */
  async until(thing: Awaited, name: string, state: string): Promise<Outcome> {
    this.#awaited = `${name} is not ${state} yet`
    for (;;) {
      const now = await this.#read(thing, name)
      if (now === undefined) return { code: exitCode.failed }
      if (now.verdict === 'met') return { code: exitCode.done, thing: now.thing }
      if (now.verdict === 'impossible') return this.#never(name, state, now.thing)
      const changed = await this.#listen(thing, now)
      if (changed === undefined) continue
      // The rest of the thing, such as the column of a card, is what it is by now.
      const latest = (await this.#read(thing, name))?.thing ?? now.thing
      const shown = { ...latest, ...changed.changes }
      return changed.verdict === 'met' ? { code: exitCode.done, thing: shown } : this.#never(name, state, shown)
    }
  }

  #never(name: string, state: string, thing: State['thing']): Outcome {
    this.#talk.warn(`${name} is ${String(thing.status)} and can no longer be ${state}`)
    return { code: exitCode.failed, thing }
  }

  async #read(thing: Awaited, name: string) {
    try {
      const onRetry = (reason: string) => {
        this.#isLost = true
        this.#lostReason = reason
      }
      const state = await thing.read(this.#api, { signal: this.#signal, patience: endlessPatience, onRetry })
      this.#isLost = false
      return state
    } catch (error) {
      if (error instanceof Refused && error.status === 404) {
        this.#talk.warn(`there is no ${name}`)
        return undefined
      }
      throw error
    }
  }

  /** Undefined: something happened after which the thing must be read again. */
  async #listen(thing: Awaited, { channels, cursor }: State & { readonly cursor: string }) {
    const stop = new AbortController()
    const source = new EventSource(this.#api, {
      ...{ channels, since: cursor, types: thing.types },
      signal: AbortSignal.any([this.#signal, stop.signal]),
      onLost: (reason) => {
        this.#isLost = true
        this.#lostReason = reason
      },
      onFound: () => {
        this.#isLost = false
      },
    })
    try {
      for await (const item of source.items()) {
        if (item.kind === 'gap') return undefined
        if (item.kind !== 'event') continue
        const heard = thing.heard(item.envelope)
        if (heard === undefined) return undefined
        if (heard.verdict !== 'open') return heard
      }
    } catch (error) {
      // A board that is gone refuses its stream; the thing itself tells what that means.
      if (error instanceof Refused && error.status === 404) return undefined
      throw error
    } finally {
      stop.abort()
    }
    this.#signal.throwIfAborted()
    return undefined
  }

  /** Until it can take mutations. */
  async forServer(): Promise<Outcome> {
    const { baseUrl } = this.#api
    for (;;) {
      try {
        const response = await fetchFrom(baseUrl, '/health/ready', { signal: this.#signal, redirect: 'manual' })
        const body = parseJson(await response.text())
        this.#isLost = false
        this.#awaited = `the server at ${baseUrl} is not ready (HTTP ${response.status})`
        if (response.ok && typeof body === 'object' && body !== null) {
          return { code: exitCode.done, thing: { url: baseUrl, ...body } }
        }
        if (response.status < 500) {
          throw new CommandError(
            exitCode.failed,
            `${baseUrl} is not a Boardcast server (HTTP ${response.status}). Check --url.`,
          )
        }
      } catch (error) {
        if (error instanceof CommandError) throw error
        this.#signal.throwIfAborted()
        this.#isLost = true
        this.#lostReason = reasonOf(error)
      }
      await sleep(POLL_MS, undefined, { signal: this.#signal })
    }
  }
}
