/** The outcome of a check of everything that came. */
export interface Checked {
  /** How many things are wrong. */
  readonly faults: number
  /** What is wrong, for people. */
  readonly broken: string
  /** What was found to be right, for people. */
  readonly sound: string
}

/** More faults than these are counted only: the first ones tell what is wrong. */
const SHOWN_FAULTS = 10

/** Each fault is a text of one or more lines. */
export function faultList(heading: string, faults: readonly string[]): string {
  const shown = faults.slice(0, SHOWN_FAULTS).flatMap((fault) => fault.split('\n').map((line) => `  ${line}`))
  const more = faults.length - SHOWN_FAULTS
  return [heading, ...shown, ...(more > 0 ? [`  and ${more} more`] : [])].join('\n')
}
