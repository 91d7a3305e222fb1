/** The network path from one listener to a server: it can be cut anywhere, or stalled. */
import { connect, createServer, type Server, type Socket } from 'node:net'

export class Road implements AsyncDisposable {
  readonly url: string
  readonly #listener: Server
  readonly #sockets = new Set<Socket>()
  #isStalled = false
  #nextAnswer = ''

  private constructor(listener: Server, target: () => number) {
    this.#listener = listener
    const address = listener.address()
    this.url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    listener.on('connection', (near) => this.#accept(near, target()))
  }

  /** `target`: a port, which may be another one for every connection. */
  static async to(target: number | (() => number)): Promise<Road> {
    const listener = createServer()
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    return new Road(listener, typeof target === 'number' ? () => target : target)
  }

  /** Cuts every connection. Later ones work. */
  cut(): void {
    this.#isStalled = false
    for (const socket of [...this.#sockets]) socket.destroy()
  }

  /** Nothing passes any more on the current connections, and none of them ends. */
  freeze(): void {
    for (const socket of this.#sockets) socket.pause()
  }

  /** The next connection gets these bytes instead of the server, and is closed. */
  answerNext(bytes: string): void {
    this.#nextAnswer = bytes
  }

  /** Whether an answer still waits for the next connection. */
  get hasAnswer(): boolean {
    return this.#nextAnswer !== ''
  }

  /** Nothing passes until `resume`: the output of the server fills the buffers of the kernel, and then its own. */
  stall(): void {
    this.#isStalled = true
    for (const socket of this.#sockets) socket.pause()
  }

  resume(): void {
    this.#isStalled = false
    for (const socket of this.#sockets) socket.resume()
  }

  #accept(near: Socket, target: number): void {
    if (this.#nextAnswer !== '') {
      near.on('error', () => undefined)
      // A client may treat an answer before its request as a fault.
      const answer = this.#nextAnswer
      this.#nextAnswer = ''
      near.once('data', () => near.end(answer))
      return
    }
    const far = connect(target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from)
      if (this.#isStalled) from.pause()
      from.on('error', () => undefined)
      from.on('data', (bytes: Buffer) => {
        if (to.write(bytes) || to.destroyed) return
        from.pause()
        to.once('drain', () => {
          if (!this.#isStalled) from.resume()
        })
      })
      // Bytes sent before an end still arrive.
      from.on('end', () => to.end())
      from.on('close', (hadError) => {
        this.#sockets.delete(from)
        if (hadError || from.destroyed) to.destroySoon()
      })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#listener.close(resolve))
  }
}
