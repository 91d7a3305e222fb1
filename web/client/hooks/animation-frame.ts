/**
 * Everything that draws does so once per animation frame, all in the same one: a burst of ten thousand events is one render.
 * A hidden page has no animation frames; it draws twice a second.
 */

const HIDDEN_MS = 500

const waiting = new Set<{ readonly draw: () => void }>()
let cancel: (() => void) | undefined

/** Joins any number of calls of `request` into one call of `draw` in the next animation frame. `cancel` forgets a request. */
export function oncePerAnimationFrame(draw: () => void): { readonly request: () => void; cancel(): void } {
  // An object of its own, so that the same `draw` given twice is called twice.
  const entry = { draw }
  return {
    request() {
      waiting.add(entry)
      cancel ??= nextAnimationFrame(drawAll)
    },
    cancel: () => waiting.delete(entry),
  }
}

function drawAll(): void {
  cancel?.()
  cancel = undefined
  const entries = [...waiting]
  waiting.clear()
  for (const { draw } of entries) draw()
}

/** The next frame, or a timer if none comes. Without animation frames, as in Node, only the timer. */
function nextAnimationFrame(callback: () => void): () => void {
  const hasFrames = typeof requestAnimationFrame === 'function'
  const timer = setTimeout(callback, hasFrames ? HIDDEN_MS : 16)
  const frame = hasFrames ? requestAnimationFrame(callback) : undefined
  return () => {
    clearTimeout(timer)
    if (frame !== undefined) cancelAnimationFrame(frame)
  }
}
