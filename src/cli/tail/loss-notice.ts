/** What is said while a stream is lost: once when an attempt to get it back has failed, then once a minute. */
import type { Talk } from '../process/output.ts'

const EVERY_MS = 60_000

export function lossNotice(baseUrl: string, talk: Talk) {
  let nextAt = 0
  return {
    lost(reason: string): void {
      const now = performance.now()
      if (now < nextAt) return
      nextAt = now + EVERY_MS
      talk.info(`${baseUrl} is unreachable (${reason}); trying again until it is back`)
    },
    found(): void {
      if (nextAt > 0) talk.info(`${baseUrl} is back`)
      nextAt = 0
    },
  }
}
