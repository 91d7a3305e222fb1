/** What main.ts shows: one at a time, each with at most one stream of its own. */
export interface Page {
  readonly node: HTMLElement
  readonly heading: HTMLElement
  /** Ends the stream of the page. Safe to call twice. */
  close: () => void
  /** `listener` is told when the heading, and with it the title of the document, is another. */
  onTitle: (listener: () => void) => void
}
