/** Terminal text as nodes: styles become classes of terminal-colours.css. */
import type { Colour, Look } from '../client/terminal/look.ts'
import type { Span } from '../client/terminal/reader.ts'
import { element } from './element.ts'

/** The first `limit` characters, and how many there are in all. */
export function spanNodes(spans: readonly Span[], limit: number): { nodes: Node[]; length: number } {
  const nodes: Node[] = []
  let length = 0
  for (const { text, look } of spans) {
    if (length < limit) nodes.push(spanNode(text.slice(0, limit - length), look))
    length += text.length
  }
  return { nodes, length }
}

function spanNode(text: string, look: Look): Node {
  const { foreground, background, bold, dim, italic, underline, inverse } = look
  const classes = Object.entries({ bold, dim, italic, underline, inverse }).filter(([, on]) => on === true)
  const names = classes.map(([name]) => name)
  if (foreground !== undefined) names.push(`fg-${nameOf(foreground)}`)
  if (background !== undefined) names.push(`bg-${nameOf(background)}`)
  if (names.length === 0) return document.createTextNode(text)
  const node = element('span', { class: names.join(' ') }, text)
  // Not an attribute: the page allows no styles in its text.
  if (typeof foreground === 'string') node.style.setProperty('--own', foreground)
  if (typeof background === 'string') node.style.setProperty('--own-tint', background)
  return node
}

function nameOf(colour: Colour): string {
  return typeof colour === 'number' ? String(colour) : 'own'
}
