/** BOARDCAST_TOKEN: one password for everything, for those who have no issuer of tokens. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { ChannelPatterns } from '../base/channel-patterns.ts'
import type { Subject } from './subject.ts'

const HOLDER: Subject = {
  id: 'password',
  actor: null,
  subscribe: ChannelPatterns.all,
  publish: ChannelPatterns.all,
  isAdmin: true,
  agentId: null,
  sessionId: null,
  expiresAt: Infinity,
}

/** The subject of the password, undefined for any other text. Takes the same time for every text of one length. */
export function passwordCheck(password: string): (text: string) => Subject | undefined {
  const expected = digest(password)
  return (text) => (timingSafeEqual(digest(text), expected) ? HOLDER : undefined)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
