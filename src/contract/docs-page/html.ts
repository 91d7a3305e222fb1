/** Markup that is safe by construction: every value in a template is escaped unless it is markup itself. */

export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

export type Content = Html | string | number | false | null | undefined | readonly Content[]

/** A template of HTML. Attributes are in double quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  const parts = strings.flatMap((string, index) => [string, index < values.length ? textOf(values[index]) : ''])
  return new Html(parts.join(''))
}

/** Paragraphs of text in which backticks mark code. */
export function prose(text: string): Content {
  return text.split(/\n\n+/).map((paragraph) => html`<p>${inline(paragraph)}</p>`)
}

/** One line of text in which backticks mark code. */
export function inline(text: string): Content {
  return text.split('`').map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part))
}

/** `items` with `separator` between them. */
export function joined(items: readonly Content[], separator: Content): Content {
  return items.map((item, index) => (index === 0 ? item : [separator, item]))
}

function textOf(value: Content): string {
  if (value === false || value === null || value === undefined) return ''
  if (value instanceof Html) return value.text
  if (typeof value === 'object') return value.map(textOf).join('')
  return String(value).replaceAll(/[&<>"']/g, (character) => ESCAPES[character] ?? '')
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
