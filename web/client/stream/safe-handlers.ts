/**
 * Calls the handlers of a subscription. Errors of handlers go to `error`, and errors of that are reported as uncaught: other
 * readers must not be affected.
 */
import { errorOf } from '../base/errors.ts'
import { reportUncaught } from '../base/store.ts'
import type { Frame, GapNotice, SubscribeHandlers } from '../base/types.ts'

export class SafeHandlers {
  readonly #handlers: SubscribeHandlers

  constructor(handlers: SubscribeHandlers) {
    this.#handlers = handlers
  }

  event(frame: Frame): void {
    try {
      this.#handlers.event?.(frame)
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  ready(id: string): void {
    try {
      this.#handlers.ready?.(id)
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  gap(notice: GapNotice): void {
    try {
      this.#handlers.gap?.(notice)
    } catch (thrown) {
      this.#failed(thrown)
    }
  }

  error(error: Error): void {
    try {
      this.#handlers.error?.(error)
    } catch (thrown) {
      reportUncaught(thrown)
    }
  }

  #failed(thrown: unknown): void {
    if (this.#handlers.error) this.error(errorOf(thrown))
    else reportUncaught(thrown)
  }
}
