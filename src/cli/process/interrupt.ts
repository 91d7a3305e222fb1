/** An end by a signal, for commands that have something to finish: children, lines, files. */
import { signalExitCode } from './exit.ts'
import { onEndingSignal } from './signals.ts'

export interface Interrupt {
  /** Aborts with the first signal. A second one ends the process at once. */
  readonly signal: AbortSignal
  /** 128 plus the number of the signal; undefined before the first. */
  exitCode(): number | undefined
}

/** `onSecond` is called before a second signal ends the process. */
export function onInterrupt(onSecond: () => void = () => {}): Interrupt {
  const controller = new AbortController()
  let code: number | undefined
  onEndingSignal((signal, nth) => {
    if (nth > 1) {
      onSecond()
      process.exit(signalExitCode(signal))
    }
    code = signalExitCode(signal)
    controller.abort()
  })
  return { signal: controller.signal, exitCode: () => code }
}
