/** Durations as every command takes them: `250ms`, `10s`, `5m`, `1h`, `7d`. */

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const MAX_MS = 36_500 * 86_400_000

/** In milliseconds; undefined if the text is not a duration of at most 36500 days. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? []
  const ms = Number(amount) * (UNIT_MS[unit] ?? Number.NaN)
  return ms <= MAX_MS ? ms : undefined
}
