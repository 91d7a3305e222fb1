/**
 * Streams that do not keep a page out of Firefox's back-forward cache.
 *
 * Firefox decides when a navigation begins: a page with a request of its own under way then is not kept, and neither
 * `pagehide` nor `beforeunload` comes early enough to end it. The request of a worker is not the page's. It ends with the
 * worker, which ends when the page is left.
 */
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

/** A head, then pieces of the body, then null; text is an error. */
type Said = Head | Uint8Array<ArrayBuffer> | string | null

/** As far as it is used. */
interface WorkerLike {
  onmessage: ((event: { readonly data: Said }) => void) | null
  onerror: (() => void) | null
  postMessage(message: unknown): void
  terminate(): void
}

const surroundings = globalThis as unknown as {
  readonly document?: unknown
  readonly Worker?: new (url: string) => WorkerLike
}

/** Whether this is a page of a browser that decides so early. */
export function decidesEarly(): boolean {
  return 'mozInnerScreenX' in globalThis && surroundings.document !== undefined
}

/** As `fetch`, in a worker; where the page's policy forbids that, `fallback`. */
export function workerFetch(fallback: typeof globalThis.fetch): typeof globalThis.fetch {
  return (input, init = {}) => {
    const { Worker } = surroundings
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
      // It could not be loaded.
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
  // Not every status can be made, nor may every one have a body.
  const isMade = status >= 200 && ![204, 205, 304].includes(status)
  const response = new Response(isMade ? stream : null, { status: isMade ? status : 200, headers: [...headers] })
  for (const [name, value] of Object.entries({ ...shown, status, ok: status >= 200 && status < 300 })) {
    Object.defineProperty(response, name, { value })
  }
  return response
}
