/** Debian's Chromium, or the one in CHROMIUM_PATH, without what it does on the network by itself. */
import { type Browser, chromium, type LaunchOptions } from 'playwright-core'

export const CHROMIUM = {
  executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
} as const

/** `args` are added to those of CHROMIUM. */
export function launchChromium({ args = [], ...options }: LaunchOptions = {}): Promise<Browser> {
  return chromium.launch({ ...options, ...CHROMIUM, args: [...CHROMIUM.args, ...args] })
}
