/** Blocks of code. */
import { type Content, html } from './html.ts'

/** Longer ones are folded. */
const MAX_LINES = 40

/** Values as indented JSON. */
export function jsonBlock(label: string, value: unknown): Content {
  return block(label, JSON.stringify(value, null, 2))
}

export function block(label: string, text: string): Content {
  const isLong = text.split('\n').length > MAX_LINES
  return isLong
    ? html`<details class="code"><summary>${label}</summary><pre><code>${text}</code></pre></details>`
    : html`<figure class="code"><figcaption>${label}</figcaption><pre><code>${text}</code></pre></figure>`
}

/** A command of a shell. Never folded. */
export function command(label: string, text: string): Content {
  return html`<figure class="code command"><figcaption>${label}</figcaption><pre><code>${text}</code></pre></figure>`
}

/** An event as it comes on a stream. */
export function frameText(headers: Readonly<Record<string, string | number>>, data: unknown): string {
  const { event, id, retry } = headers
  return [
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    `data: ${JSON.stringify(data)}`,
    ...(id === undefined ? [] : [`id: ${id}`]),
  ].join('\n')
}
