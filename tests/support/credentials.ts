/** Credentials of every kind, for one channel: what a matrix of rights is made of. */
import { bearer, SECRET, seconds, sign, tokenFor } from './tokens.ts'

export const CREDENTIALS = [
  'no token',
  'garbage',
  'expired',
  'wrong key',
  'other board',
  'read only',
  'write only',
  'bound to another agent',
  'right',
] as const
export type Credential = (typeof CREDENTIALS)[number]

/** What whoever has it is answered first of all; undefined: the credential is good. */
export const UNAUTHENTICATED: Readonly<Partial<Record<Credential, 'unauthenticated' | 'token_expired'>>> = {
  'no token': 'unauthenticated',
  garbage: 'unauthenticated',
  expired: 'token_expired',
  'wrong key': 'unauthenticated',
}

/** Those that may subscribe to the channel. */
export const READERS: readonly Credential[] = ['read only', 'bound to another agent', 'right']

/** The token of a credential for channels; undefined: it has none. */
export async function tokenOf(credential: Credential, channels: readonly string[]): Promise<string | undefined> {
  const patterns = { subscribe: channels, publish: channels }
  switch (credential) {
    case 'no token':
      return undefined
    case 'garbage':
      return 'not.a.token'
    case 'expired':
      return sign({ exp: seconds(-60), boardcast: patterns })
    case 'wrong key':
      return sign({ boardcast: patterns }, `${SECRET} but another`)
    case 'other board':
      return tokenFor(['board:of-others', 'topic:of-others'])
    case 'read only':
      return tokenFor(channels, [])
    case 'write only':
      return tokenFor([], channels)
    case 'bound to another agent':
      return tokenFor(channels, channels, { agent_id: 'another-agent' })
    case 'right':
      return tokenFor(channels)
  }
}

export async function headersOf(credential: Credential, channels: readonly string[]): Promise<Record<string, string>> {
  const token = await tokenOf(credential, channels)
  return token === undefined ? {} : bearer(token)
}
