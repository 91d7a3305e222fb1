/** What main.ts shows, one at a time. */
export interface Page {
  readonly node: HTMLElement
  readonly heading: HTMLElement
  /** Ends the page's subscriptions. Safe to call twice. */
  close: () => void
  /** `listener` is called when the heading, and with it the title of the document, has changed. */
  onTitle: (listener: () => void) => void
}
