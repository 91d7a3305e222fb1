/**
 * Readers that draw are told once per frame of the screen, all of them in one go, so that a burst of ten thousand events is
 * one render. A hidden page has no frames; it is told twice a second.
 */

const HIDDEN_MS = 500

const waiting = new Set<() => void>()
let cancel: (() => void) | undefined

/** `listener` for a store: any number of calls are one call of `draw` with the next frame. `stop` forgets the one that waits. */
export function oncePerFrame(draw: () => void): { readonly listener: () => void; stop(): void } {
  // Of its own, so that one draw function given twice is told twice.
  const due = () => draw()
  return {
    listener() {
      waiting.add(due)
      cancel ??= nextFrame(flush)
    },
    stop: () => waiting.delete(due),
  }
}

function flush(): void {
  cancel?.()
  cancel = undefined
  const due = [...waiting]
  waiting.clear()
  for (const draw of due) draw()
}

/** Whichever comes first. */
function nextFrame(callback: () => void): () => void {
  const timer = setTimeout(callback, typeof requestAnimationFrame === 'function' ? HIDDEN_MS : 16)
  const frame = typeof requestAnimationFrame === 'function' ? requestAnimationFrame(callback) : undefined
  return () => {
    clearTimeout(timer)
    if (frame !== undefined) cancelAnimationFrame(frame)
  }
}
