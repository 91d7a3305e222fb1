/**
 * A page for components: the document from happy-dom, everything else from Node, so that `fetch` reaches a real server.
 * Import it before a framework that looks for a document when it is loaded.
 */
import { Window } from 'happy-dom'

const window = new Window({ url: 'http://127.0.0.1/' })

const NAMES = [
  'document',
  'location',
  'navigator',
  'Node',
  'Element',
  'Text',
  'Document',
  'DocumentFragment',
  'HTMLElement',
  'HTMLIFrameElement',
  'SVGElement',
  'MutationObserver',
  'getComputedStyle',
] as const

for (const name of NAMES) {
  const value: unknown = window[name]
  Object.defineProperty(globalThis, name, { configurable: true, writable: true, value })
}
Object.defineProperty(globalThis, 'window', { configurable: true, writable: true, value: globalThis })

/** Animation frames that the test controls. */
const frames = new Map<number, () => void>()
let made = 0

Object.assign(globalThis, {
  requestAnimationFrame(callback: () => void): number {
    frames.set(++made, callback)
    return made
  },
  cancelAnimationFrame: (id: number) => frames.delete(id),
})

export const screen = {
  get isWaitedFor(): boolean {
    return frames.size > 0
  },
  /** One frame: everybody who asked for it is called. */
  draw(): void {
    const due = [...frames.values()]
    frames.clear()
    for (const callback of due) callback()
  },
}

/** Resolves when the condition holds; animation frames go on meanwhile. */
export async function shown<T>(what: string, condition: () => T | undefined | null | false): Promise<T> {
  const end = Date.now() + 10_000
  for (;;) {
    const value = condition()
    if (value !== undefined && value !== null && value !== false) return value
    if (Date.now() > end) throw new Error(`waited for ${what}; the page is ${document.body.innerHTML.slice(0, 2_000)}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
    screen.draw()
  }
}

/**
 * Lets a framework finish what it has begun: its queues are tasks that wait for nothing else. Effects of Preact run
 * after an animation frame; the hooks' own animation frames do not run here.
 */
export async function calm(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
}

/** Like `calm`, with animation frames, and the timer that Preact sets in a frame for the effects after it. */
export async function quiet(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) {
    await calm()
    screen.draw()
    await new Promise((resolve) => setTimeout(resolve))
  }
}
