/** Runs a program in a shell for each event: the envelope is on its stdin, its output passes through. */
import type { Talk } from '../process/output.ts'
import { type Program, startProgram } from '../process/program.ts'
import type { EventItem } from '../stream/event-source.ts'

export interface EventProgram {
  /** Resolves to whether the program succeeded. When the signal aborts, the program is ended first. */
  run(item: EventItem, signal: AbortSignal): Promise<boolean>
  /** Aborts when the program has ended because nobody reads our output any more. */
  readonly gone: AbortSignal
  /** Kills the running one at once. */
  kill(): void
}

export function eventProgram(command: string, talk: Talk): EventProgram {
  let current: Program | undefined
  const gone = new AbortController()
  return {
    gone: gone.signal,
    kill: () => current?.kill(),
    async run({ envelope, text }, signal) {
      const { event, id, channel } = envelope
      const variables = { BOARDCAST_EVENT: event, BOARDCAST_ID: id, BOARDCAST_CHANNEL: channel }
      current = startProgram(command, { input: `${text}\n`, variables, signal })
      const failure = await current.ended
      const { hasNoReader } = current
      current = undefined
      if (failure === undefined) return true
      if (hasNoReader()) gone.abort()
      else if (!signal.aborted) talk.warn(`--exec for ${event} ${id}: ${failure}`)
      return false
    },
  }
}
