import { spawn } from 'node:child_process'

/** Opens a URL in the user's browser. Failing is harmless: the caller has printed the URL. */
export function openInBrowser(url: string): void {
  const opener = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const child = spawn(opener, [url], { stdio: 'ignore', detached: true })
  child.on('error', () => undefined)
  child.unref()
}
