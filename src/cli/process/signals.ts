import { constants } from 'node:os'

// The signals whose default action ends a process. Left out are SIGKILL, which cannot be handled; SIGPIPE and SIGXFSZ,
// which Node ignores; SIGSEGV, SIGBUS, SIGFPE and SIGILL, after which no JavaScript can run safely; and real-time signals,
// which Node does not know.
const endingSignals = [
  'SIGINT', // Ctrl-C
  'SIGTERM', // a supervisor
  'SIGHUP', // the terminal was closed
  'SIGQUIT', // Ctrl-\
  'SIGUSR1', // without a handler, Node starts its debugger
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPROF',
  'SIGXCPU',
  'SIGABRT',
  'SIGTRAP',
  'SIGSYS',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
] as const satisfies readonly NodeJS.Signals[]
export type EndingSignal = (typeof endingSignals)[number]

/** A package manager in front sends Ctrl-C once more than the terminal does. Nobody presses keys that fast. */
const SAME_MS = 30

/**
 * Calls back for each signal that would end this process; `nth` counts from 1. One that comes twice at once counts once. The
 * handlers cannot be removed: a late signal, shortly before the exit, must not change the exit code.
 */
export function onEndingSignal(listener: (signal: EndingSignal, nth: number) => void): void {
  let nth = 0
  let last: { readonly signal: EndingSignal; readonly at: number } | undefined
  for (const signal of endingSignals) {
    if (constants.signals[signal] === undefined) continue // this system does not have it
    process.on(signal, () => {
      const at = performance.now()
      const isSame = last?.signal === signal && at - last.at < SAME_MS
      if (isSame) return
      last = { signal, at }
      nth += 1
      listener(signal, nth)
    })
  }
}

/** Calls `suspend` before SIGTSTP (Ctrl-Z) stops this process, and `resume` when it continues. */
export function onSuspend(listener: { suspend(): void; resume(): void }): void {
  process.on('SIGTSTP', () => {
    process.once('SIGCONT', () => listener.resume())
    listener.suspend()
    process.kill(process.pid, 'SIGSTOP')
  })
}
