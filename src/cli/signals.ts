/** The signals that ask a program to end: Ctrl-C, a supervisor, a closed terminal. */
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
export type EndingSignal = (typeof endingSignals)[number]

/**
 * Calls back for each signal that asks us to end, counting from 1. There is no undo: between the last deed and the
 * exit a late signal must not take over the exit code.
 */
export function onEndingSignal(listener: (signal: EndingSignal, nth: number) => void): void {
  let nth = 0
  for (const signal of endingSignals) {
    process.on(signal, () => {
      nth += 1
      listener(signal, nth)
    })
  }
}
