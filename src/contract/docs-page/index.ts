/**
 * The page /docs, made from the two documents (rules CON18, CON19):
 *
 *   docsTemplate(documents)     the page, without the address that it is served at
 *   fill(template, place)       the page at an address
 *   FILES                       what it loads
 */
import { SEARCH } from './search.ts'
import { STYLE } from './style.ts'

export { docsTemplate } from './page.ts'
export { fill, originOf, type Place, type Template } from './place.ts'

export interface PageFile {
  readonly contentType: string
  readonly text: string
}

/** That of the web app. */
const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5f58"/><g fill="#fff"><rect x="6" y="8" width="5" height="16" rx="2"/><rect x="13.5" y="8" width="5" height="10" rx="2"/><rect x="21" y="8" width="5" height="5" rx="2"/></g><circle cx="23.5" cy="21.5" r="2.5" fill="#8ff0d0"/></svg>`

/** By their names under /docs/. */
export const FILES: Readonly<Record<string, PageFile>> = {
  'page.css': { contentType: 'text/css; charset=utf-8', text: STYLE },
  'search.js': { contentType: 'text/javascript; charset=utf-8', text: SEARCH },
  'icon.svg': { contentType: 'image/svg+xml', text: ICON },
}
