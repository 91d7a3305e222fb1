/**
 * Debian's Firefox, driven over WebDriver BiDi (Playwright's Firefox is a patched build). Every browser has a separate
 * profile, which is removed when it closes.
 *
 *   describe.skipIf(firefoxMissing)('in Firefox', () => {
 *     const browser = await Firefox.launch()
 *     const page = await browser.open(url)
 *     await page.waitFor('window.ready')
 *     await page.evaluate('document.title')
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'

const START_MS = 120_000
const WAIT_MS = 30_000

/** The path of Firefox; undefined when it is not installed. */
export const firefoxPath = process.env.FIREFOX_PATH ?? inPath('firefox-esr') ?? inPath('firefox')

/** For `describe.skipIf`: why these tests cannot run on this machine; undefined when they can. */
export const firefoxMissing = firefoxPath ? undefined : 'Firefox is not installed: apt-get install firefox-esr'
if (firefoxMissing) process.stderr.write(`Tests in Firefox are skipped: ${firefoxMissing}\n`)

function inPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** No network requests except for what the test opens. */
const PREFERENCES: Readonly<Record<string, string | number | boolean>> = {
  'app.normandy.enabled': false,
  'app.update.disabledForTesting': true,
  'browser.safebrowsing.malware.enabled': false,
  'browser.safebrowsing.phishing.enabled': false,
  'browser.startup.homepage': 'about:blank',
  'browser.startup.page': 0,
  'datareporting.policy.dataSubmissionEnabled': false,
  'extensions.systemAddon.update.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'network.proxy.type': 0,
  'services.settings.server': 'data:,#remote-settings-dummy/v1',
  'toolkit.telemetry.server': 'data:,',
}

export interface FirefoxOptions {
  /** Preferences (about:config) in addition to those that prevent network requests. */
  readonly preferences?: Readonly<Record<string, string | number | boolean>>
}

export class Firefox implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #profile: string
  readonly #connection: Connection

  private constructor(child: ChildProcess, profile: string, connection: Connection) {
    this.#child = child
    this.#profile = profile
    this.#connection = connection
  }

  static async launch({ preferences = {} }: FirefoxOptions = {}): Promise<Firefox> {
    if (!firefoxPath) throw new Error(firefoxMissing)
    const profile = mkdtempSync(join(tmpdir(), 'boardcast-firefox-'))
    const lines = Object.entries({ ...PREFERENCES, ...preferences }).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
    )
    writeFileSync(join(profile, 'user.js'), lines.join(''))
    const flags = ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port=0', 'about:blank']
    // A separate process group, so that its processes end with it. HOME: it writes caches and settings there too.
    const child = spawn(firefoxPath, flags, {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: '1' },
    })
    const end = () => killGroup(child)
    process.once('exit', end)
    child.once('exit', () => process.off('exit', end))
    try {
      const connection = await Connection.to(`${await addressOf(child)}/session`)
      await connection.call('session.new', { capabilities: {} })
      await connection.call('session.subscribe', { events: ['log.entryAdded'] })
      return new Firefox(child, profile, connection)
    } catch (error) {
      await remove(child, profile)
      throw error
    }
  }

  /** Opens a tab and loads the address. */
  async open(url: string): Promise<FirefoxPage> {
    const { context } = await this.#connection.call<{ context: string }>('browsingContext.create', { type: 'tab' })
    const page = new FirefoxPage(this.#connection, context)
    await page.goto(url)
    return page
  }

  /** Runs a function, given as text, in every page before its own scripts. */
  async beforeEveryPage(script: string): Promise<void> {
    await this.#connection.call('script.addPreloadScript', { functionDeclaration: script })
  }

  async close(): Promise<void> {
    this.#connection.close()
    await remove(this.#child, this.#profile)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

export class FirefoxPage {
  readonly #connection: Connection
  readonly #context: string

  constructor(connection: Connection, context: string) {
    this.#connection = connection
    this.#context = context
  }

  /** What the page has written to the console, and errors that nobody caught. */
  get said(): readonly string[] {
    return this.#connection.logs.filter(({ context }) => context === this.#context).map(({ text }) => text)
  }

  /** Resolves when the page has loaded. */
  async goto(url: string): Promise<void> {
    await this.#connection.call('browsingContext.navigate', { context: this.#context, url, wait: 'complete' })
  }

  /** Back in the history, or forward with a positive number. */
  async traverse(delta = -1): Promise<void> {
    await this.#connection.call('browsingContext.traverseHistory', { context: this.#context, delta })
  }

  /** The value of the script's last expression, awaited when it is a promise. JSON-like values only. */
  async evaluate<T = unknown>(script: string): Promise<T> {
    const answer = await this.#connection.call<Evaluated>('script.evaluate', {
      expression: script,
      target: { context: this.#context },
      awaitPromise: true,
      // Counts as a click, which a browser requires for some features.
      userActivation: true,
    })
    if (answer.type === 'exception') throw new Error(`in the page: ${answer.exceptionDetails.text}`)
    return plainValue(answer.result) as T
  }

  /** Resolves to the value of the expression when it is truthy. */
  async waitFor<T = unknown>(expression: string, withinMs = WAIT_MS): Promise<T> {
    const end = Date.now() + withinMs
    for (;;) {
      // A page that is unloading cannot evaluate anything.
      const value = await this.evaluate<T>(expression).catch((error: Error) => error)
      if (value && !(value instanceof Error)) return value
      if (Date.now() > end) throw new Error(`waited for ${expression}; it is ${value}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async close(): Promise<void> {
    await this.#connection.call('browsingContext.close', { context: this.#context })
  }
}

type Evaluated =
  | { readonly type: 'success'; readonly result: RemoteValue }
  | { readonly type: 'exception'; readonly exceptionDetails: { readonly text: string } }

interface RemoteValue {
  readonly type: string
  readonly value?: unknown
}

/** Decodes a BiDi value. */
function plainValue({ type, value }: RemoteValue): unknown {
  switch (type) {
    case 'null':
      return null
    case 'number':
      return Number(value)
    case 'string':
    case 'boolean':
      return value
    case 'array':
    case 'set':
      return (value as RemoteValue[]).map(plainValue)
    case 'object':
      return Object.fromEntries((value as Array<[string, RemoteValue]>).map(([name, each]) => [name, plainValue(each)]))
    default:
      return undefined
  }
}

/** One WebDriver BiDi connection: commands with numbers, and their answers. */
class Connection {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  readonly logs: Array<{ readonly context: string; readonly text: string }> = []
  #sent = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (text) => this.#answer(String(text)))
    socket.on('close', () => this.#fail(new Error('Firefox closed the connection')))
  }

  static to(url: string): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url, { perMessageDeflate: false })
      socket.once('open', () => resolve(new Connection(socket)))
      socket.on('error', reject)
    })
  }

  call<T = unknown>(method: string, params: object): Promise<T> {
    const id = ++this.#sent
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (result: unknown) => void, reject })
      this.#socket.send(JSON.stringify({ id, method, params }))
    })
  }

  close(): void {
    this.#socket.close()
  }

  #answer(text: string): void {
    const { id, type, method, params, result, error, message } = JSON.parse(text)
    if (type === 'event') {
      if (method === 'log.entryAdded') this.logs.push({ context: params.source.context, text: String(params.text) })
      return
    }
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (type === 'error') waiting?.reject(new Error(`${error}: ${message}`))
    else waiting?.resolve(result)
  }

  #fail(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

/** The address that it listens on, from its output. */
function addressOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = ''
    const fail = (why: string) => reject(new Error(`Firefox ${why}: ${output}`))
    const timer = setTimeout(() => fail(`did not start within ${START_MS} ms`), START_MS)
    child.once('error', (error) => fail(`cannot be run (${error.message})`))
    child.once('exit', () => fail('ended at its start'))
    if (!child.stderr) return
    createInterface(child.stderr).on('line', (line) => {
      output += `${line}\n`
      const [, address] = /BiDi listening on (ws:\S+)/.exec(line) ?? []
      if (!address) return
      clearTimeout(timer)
      resolve(address)
    })
  })
}

async function remove(child: ChildProcess, profile: string): Promise<void> {
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    killGroup(child)
    await ended
  }
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL')
}
