/** The socket under a connection. It is not a public part of the library, which has no other way to do any of this. */
import type { Socket } from 'node:net'
import type pg from 'pg'

/** To end the connection before the answers that are still to come. */
export function socketOf(client: pg.ClientBase): Socket {
  return (client as pg.ClientBase & { readonly connection: { readonly stream: Socket } }).connection.stream
}

/** Enough for the database to begin with. */
const MUCH_BYTES = 16 * 1024

/**
 * Sends what is asked in one turn of the event loop in one packet: each packet wakes the database. Much of it is sent in
 * parts, so that the database works on one while the next is made.
 */
export class Gathering {
  readonly #socket: Socket
  #isOpen = false

  constructor(client: pg.ClientBase) {
    this.#socket = socketOf(client)
  }

  /** To be called before each query. */
  join(): void {
    if (this.#isOpen) {
      if (this.#socket.writableLength < MUCH_BYTES) return
      this.#socket.uncork()
      this.#socket.cork()
      return
    }
    this.#isOpen = true
    this.#socket.cork()
    // Runs when all promises of this turn have been served.
    process.nextTick(() => {
      this.#isOpen = false
      this.#socket.uncork()
    })
  }
}
