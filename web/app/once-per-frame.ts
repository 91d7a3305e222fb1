/**
 * Joins any number of calls within one screen frame into one run of `draw`. A hidden tab draws nothing until it is looked
 * at again, so what waits to be drawn must be bounded by the caller.
 */
export function oncePerFrame(draw: () => void): () => void {
  let due = false
  return () => {
    if (due) return
    due = true
    requestAnimationFrame(() => {
      due = false
      draw()
    })
  }
}
