/** The facts of a run that all its suites share. */
export interface Run {
  readonly startedAt: Date
  readonly durationMs: number
  /** Events after `from`, up to and including `to`. */
  readonly cursor: { readonly from: string; readonly to: string }
  readonly command?: CommandResult
  /** What ended the run before its time, in a sentence: a gap, a lost stream. */
  readonly stopped?: string
  readonly exitCode: number
  /** The options with which `tail` shows the same channels, such as `--board` and `demo`. */
  readonly tailOptions: readonly string[]
}

export interface CommandResult {
  /** As it was given, for people. */
  readonly text: string
  /** Null if a signal ended it. */
  readonly exitCode: number | null
  readonly signal: string | null
  /** Why it did not run. */
  readonly failure?: string
  /** It was still running when the time was up. */
  readonly isOverdue: boolean
}

export function commandPhrase({ exitCode, signal, failure, isOverdue }: CommandResult): string {
  if (isOverdue) return 'CMD was still running'
  if (failure !== undefined) return `CMD ${failure}`
  return signal === null ? `CMD exited ${exitCode}` : `CMD was ended by ${signal}`
}

export function isFailure({ exitCode, signal, isOverdue }: CommandResult): boolean {
  return !isOverdue && (signal !== null || exitCode !== 0)
}
