/**
 * Streams that do not keep a page out of Firefox's back-forward cache.
 *
 * Firefox decides when a navigation begins: a page that has a request in flight at that moment is not cached, and neither
 * `pagehide` nor `beforeunload` comes early enough to end it. A worker's request does not count as the page's. It ends with
 * the worker, which ends when the page is left.
 */
import { isFirefox } from '../base/page-lifecycle.ts'

const PROGRAM = `onmessage = async ({ data: [url, init] }) => {
  try {
    const answer = await fetch(url, init)
    const { status, url: from, redirected, type, body } = answer
    postMessage({ status, headers: [...answer.headers], url: from, redirected, type })
    const reader = body && body.getReader()
    for (;;) {
      const { done, value } = reader ? await reader.read() : { done: true }
      if (done) break
      postMessage(value, [value.buffer])
    }
    postMessage(null)
  } catch (error) {
    postMessage(String(error))
  }
}`

interface Head {
  readonly status: number
  readonly headers: ReadonlyArray<[string, string]>
  readonly url: string
  readonly redirected: boolean
  readonly type: string
}

/** The head, then chunks of the body, then null. A string is an error. */
type WorkerMessage = Head | Uint8Array<ArrayBuffer> | string | null

/** The part of Worker that is used. */
interface WorkerLike {
  onmessage: ((event: { readonly data: WorkerMessage }) => void) | null
  onerror: (() => void) | null
  postMessage(message: unknown): void
  terminate(): void
}

const environment = globalThis as unknown as {
  readonly document?: unknown
  readonly Worker?: new (url: string) => WorkerLike
}

/** Whether this is a page in Firefox. */
export function needsWorker(): boolean {
  return isFirefox() && environment.document !== undefined
}

/** `fetch` in a worker, or `fallback` where the page's policy forbids workers. */
export function workerFetch(fallback: typeof globalThis.fetch): typeof globalThis.fetch {
  return (input, init = {}) => {
    const { Worker } = environment
    if (!Worker) return fallback(input, init)
    const { signal, headers, ...rest } = init
    const address = URL.createObjectURL(new Blob([PROGRAM], { type: 'text/javascript' }))
    let worker: WorkerLike
    try {
      worker = new Worker(address)
    } catch {
      URL.revokeObjectURL(address)
      return fallback(input, init)
    }
    return new Promise((resolve, reject) => {
      let body: ReadableStreamDefaultController<Uint8Array> | undefined
      const stream = new ReadableStream<Uint8Array>({
        start(controller) {
          body = controller
        },
        cancel: end,
      })
      worker.onmessage = ({ data }) => {
        if (data instanceof Uint8Array) body?.enqueue(data)
        else if (data === null) {
          body?.close()
          end()
        } else if (typeof data === 'string') fail(new TypeError(data))
        else resolve(responseOf(data, stream))
      }
      // The worker could not be loaded.
      worker.onerror = () => {
        end()
        resolve(fallback(input, init))
      }
      signal?.addEventListener('abort', () => fail(signal.reason), { once: true })
      if (signal?.aborted) fail(signal.reason)
      else worker.postMessage([String(input), { ...rest, headers: [...new Headers(headers)] }])

      function fail(error: unknown): void {
        end()
        body?.error(error)
        reject(error)
      }

      function end(): void {
        worker.terminate()
        URL.revokeObjectURL(address)
      }
    })
  }
}

function responseOf({ status, headers, ...shown }: Head, stream: ReadableStream<Uint8Array>): Response {
  // The constructor rejects some statuses, and a body for others.
  const canConstruct = status >= 200 && ![204, 205, 304].includes(status)
  const response = new Response(canConstruct ? stream : null, {
    status: canConstruct ? status : 200,
    headers: [...headers],
  })
  for (const [name, value] of Object.entries({ ...shown, status, ok: status >= 200 && status < 300 })) {
    Object.defineProperty(response, name, { value })
  }
  return response
}
