/** A page with the library in Chromium, for all tests of a file: the bundle and the browser. */
import type { Browser, BrowserContext, LaunchOptions } from 'playwright-core'
import { afterAll, beforeAll, onTestFinished } from 'vitest'
import { launchChromium } from '../../support/chromium.ts'
import type { TestServer } from '../../support/server.ts'
import { buildPage, Front } from './front.ts'

export interface PageScene {
  /** Between the page and the server. */
  readonly front: Front
  /** A new profile. */
  readonly context: BrowserContext
}

export interface BuiltPage {
  /** Both end with the test, and the server after them. */
  open(server: TestServer): Promise<PageScene>
}

/** To be called where hooks may be registered. `entry`: the module that the page loads, instead of the library. */
export function builtPage(entry?: string, options?: LaunchOptions): BuiltPage {
  let built: Awaited<ReturnType<typeof buildPage>>
  let browser: Browser
  beforeAll(async () => {
    built = await buildPage(entry)
    browser = await launchChromium(options)
  })
  afterAll(async () => {
    await browser?.close()
    built?.remove()
  })
  return {
    async open(server) {
      const front = await Front.to(server.port, built.folder)
      const context = await browser.newContext()
      onTestFinished(async () => {
        await context.close()
        await front[Symbol.asyncDispose]()
        await server[Symbol.asyncDispose]()
      })
      return { front, context }
    },
  }
}
