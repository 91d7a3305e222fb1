/** Tries again for a while what fails while a server stops: another program may hold its lock only briefly. */

const PATIENCE_MS = 2_000
const RETRY_MS = 50

export async function withPatience(work: () => Promise<void>): Promise<void> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (performance.now() >= end) throw error
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}
