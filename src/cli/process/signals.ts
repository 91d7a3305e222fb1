import { constants } from 'node:os'

// What each signal does to a program that does not handle it decides where it belongs. Left out are SIGKILL and SIGSTOP,
// which nobody can handle; SIGPIPE and SIGXFSZ, which Node ignores, so that they do not end us; SIGSEGV, SIGBUS, SIGFPE
// and SIGILL, after which no JavaScript can run safely; and real-time signals, which Node does not know.
const endingSignals = [
  'SIGINT', // Ctrl-C
  'SIGTERM', // a supervisor
  'SIGHUP', // a terminal that was closed
  'SIGQUIT', // Ctrl-\
  'SIGUSR1', // Node would start its debugger
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

/**
 * Calls back for each signal that would end us, counting from 1. There is no undo: between the last deed and the exit a
 * late signal must not take over the exit code.
 */
export function onEndingSignal(listener: (signal: EndingSignal, nth: number) => void): void {
  let nth = 0
  for (const signal of endingSignals) {
    if (constants.signals[signal] === undefined) continue // not on this system
    process.on(signal, () => {
      nth += 1
      listener(signal, nth)
    })
  }
}

/** Calls back around a pause: before we are stopped by SIGTSTP, and after we go on. */
export function onPause(listener: { stop(): void; goOn(): void }): void {
  process.on('SIGTSTP', () => {
    process.once('SIGCONT', () => listener.goOn())
    listener.stop()
    process.kill(process.pid, 'SIGSTOP')
  })
}
