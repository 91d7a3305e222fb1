/** How the page is divided. */
import type { Content } from './html.ts'

/** What is found by its own anchor. */
export interface Entry {
  readonly id: string
  readonly title: string
  /** Beside the title. */
  readonly note?: string | undefined
  /** What a search finds it by, besides its title. */
  readonly words: string
  /** In the table of contents. */
  readonly label?: Content
  readonly content: Content
}

export interface Part {
  readonly id: string
  readonly title: string
  readonly intro?: Content
  readonly entries: readonly Entry[]
}

export interface Section {
  readonly id: string
  readonly title: string
  readonly intro?: Content
  readonly parts: readonly Part[]
}
