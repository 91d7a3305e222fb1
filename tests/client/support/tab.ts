/** A page with a hub, controlled by the test. Code that runs in the page is text, because it is not compiled for Node. */
import type { BrowserContext, Page } from 'playwright-core'
import type { ClientOptions } from '../../../web/client/base/options.ts'
import type { Status } from '../../../web/client/base/types.ts'

export interface Heard {
  readonly events: string[]
  /** Lines of output. */
  readonly lines: string[]
  readonly gaps: number
  readonly errors: string[]
  readonly ready: string[]
}

export class Tab {
  readonly page: Page

  private constructor(page: Page) {
    this.page = page
  }

  static async open(
    context: BrowserContext,
    url: string,
    options: ClientOptions & { readonly channels: string[] },
  ): Promise<Tab> {
    const tab = new Tab(await context.newPage())
    await tab.page.goto(`${url}/page/`)
    await tab.page.waitForFunction('window.client')
    await tab.begin(options)
    return tab
  }

  /** Creates a hub and subscribes. */
  async begin({ channels, ...options }: ClientOptions & { readonly channels: string[] }): Promise<void> {
    await this.page.evaluate(`{
      const hub = client.createClient(${JSON.stringify({ backoff: { firstMs: 50, maxMs: 200 }, ...options })})
      const heard = { events: [], lines: [], gaps: 0, errors: [], ready: [] }
      window.hub = hub
      window.heard = heard
      window.phases = []
      hub.status.subscribe(() => phases.push(hub.status.get().phase))
      hub.subscribe({ channels: ${JSON.stringify(channels)} }, {
        event({ event, id, data }) {
          // However the stream joins them.
          if (event === 'output_batch') heard.lines.push(...data.lines)
          else heard.events.push(event + '#' + id)
        },
        gap: () => { heard.gaps += 1 },
        error: (error) => heard.errors.push(error.message),
        ready: (id) => heard.ready.push(id),
      })
    }`)
    await this.page.waitForFunction('heard.ready.length > 0')
  }

  heard(): Promise<Heard> {
    return this.page.evaluate('heard')
  }

  status(): Promise<Status> {
    return this.page.evaluate('hub.status.get()')
  }

  /** Resolves when the event with this id has come. */
  async id(id: string): Promise<void> {
    await this.page.waitForFunction(`heard.events.some((each) => each.endsWith('#${id}'))`, undefined, {
      timeout: 20_000,
    })
  }

  async phase(name: Status['phase']): Promise<void> {
    await this.page.waitForFunction(`hub.status.get().phase === '${name}'`, undefined, { timeout: 20_000 })
  }

  async role(name: Status['role']): Promise<void> {
    await this.page.waitForFunction(`hub.status.get().role === '${name}'`, undefined, { timeout: 20_000 })
  }

  async wentThrough(phase: Status['phase']): Promise<void> {
    await this.page.waitForFunction(`phases.includes('${phase}')`, undefined, { timeout: 20_000 })
  }

  /** As a browser freezes a page in the background; headless browsers have no background. */
  async sleep(): Promise<void> {
    await this.page.evaluate(`document.dispatchEvent(new Event('freeze'))`)
  }

  async wake(): Promise<void> {
    await this.page.evaluate(`document.dispatchEvent(new Event('resume'))`)
  }

  /** Posts through the hub and resolves to the Event-Id. */
  post(path: string, body: object): Promise<string> {
    return this.page.evaluate(
      `hub.request('POST', ${JSON.stringify(path)}, ${JSON.stringify(body)}).then(({ eventId }) => eventId)`,
    )
  }
}
