/** What stands on the page of the contract, read from its markup as it was sent. */

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'" }

/** The text of markup, as a browser shows it. */
export function textOf(markup: string): string {
  return markup.replaceAll(/<[^>]*>/g, '').replaceAll(/&(\w+|#39);/g, (_, name: string) => ENTITIES[name] ?? '')
}

/** The markup of an operation, event, connection, code or type. */
export function articleOf(page: string, id: string): string {
  const start = page.indexOf(`<article id="${id}"`)
  if (start < 0) throw new Error(`nothing on the page has the anchor ${id}`)
  return page.slice(start, page.indexOf('</article>', start))
}

/** The commands in some markup, as they are copied. */
export function commandsOf(markup: string): string[] {
  const figures = markup.matchAll(/<figure class="code command">.*?<code>(.*?)<\/code>/gs)
  return [...figures].map(([, command = '']) => textOf(command))
}

export function anchorsOf(page: string): string[] {
  return [...page.matchAll(/ id="([^"]*)"/g)].map(([, id = '']) => id)
}

/** Where links, scripts, styles and forms lead. */
export function addressesOf(page: string): string[] {
  return [...page.matchAll(/ (?:href|src|action|srcset|content)="([^"]*)"/g)]
    .map(([, address = '']) => textOf(address))
    .filter((address) => /^[#/]|:\/\//.test(address))
}

/** The markup of one section, by its anchor. */
export function sectionOf(page: string, id: string): string {
  const start = page.indexOf(`<section id="${id}"`)
  return page.slice(start, page.indexOf('</section>', start))
}
