/** The authenticator that the settings ask for. */
import { type Config, hasKey } from '../base/config.ts'
import { Problem } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Store } from '../db/store.ts'
import { type Authenticator, RIGHTS_OFF } from './authenticator.ts'
import { credentialOf } from './credentials.ts'
import { fixedKeys, hmacKey, type KeySource, publicKey } from './keys.ts'
import { createPageLogins, logInsWithoutRights, type PageLogins } from './page-logins.ts'
import { passwordCheck } from './password.ts'
import { RemoteKeys } from './remote-keys.ts'
import { openSessionTokens } from './session-tokens.ts'
import { redeemTicket } from './tickets.ts'
import { createTokenCache } from './token-cache.ts'
import { createTokenVerifier } from './token-verifier.ts'

/** As long as the hash (RFC 7518, 3.2). */
const MIN_SECRET_BYTES = 32

export interface RunningAuthenticator extends Authenticator {
  readonly logins: PageLogins
  /** Stops fetching keys. */
  stop(): void
}

/** Rights are on if a key is configured, unless they are switched off. */
export async function createAuthenticator(
  config: Config,
  { store, logger }: { store: Store; logger: Logger },
): Promise<RunningAuthenticator> {
  if (config.isAuthOff || !hasKey(config)) {
    return {
      ...RIGHTS_OFF,
      logins: logInsWithoutRights(store),
      stop: () => undefined,
    }
  }
  warnOfShort(config, logger)
  const subjectOfPassword = config.token === undefined ? () => undefined : passwordCheck(config.token)
  const sessions = await openSessionTokens(store)
  const sources: KeySource[] = [
    sessions,
    fixedKeys(await Promise.all([...config.jwtSecrets.map(hmacKey), ...config.jwtPublicKeys.map(publicKey)])),
  ]
  const cache = createTokenCache(createTokenVerifier(sources))
  const remote = config.jwksUrl === undefined ? null : remoteKeys(config.jwksUrl, () => cache.clear(), logger)
  if (remote) sources.push(remote)

  const authenticator: Authenticator = {
    isOn: true,
    async authenticate(fields, inQuery) {
      const credential = credentialOf(fields, inQuery)
      if (!credential) {
        throw new Problem('unauthenticated', 'This needs a token. Send it as "Authorization: Bearer TOKEN".')
      }
      return credential.from === 'ticket' ? redeemTicket(store, credential.text) : authenticator.verify(credential.text)
    },
    async verify(token) {
      return subjectOfPassword(token) ?? cache.verify(token)
    },
  }
  return {
    ...authenticator,
    logins: createPageLogins(store, sessions, authenticator),
    stop: () => remote?.stop(),
  }
}

/** Anybody who has a token can try secrets against its signature, at home and without a limit. */
function warnOfShort({ jwtSecrets }: Config, logger: Logger): void {
  if (jwtSecrets.every((secret) => Buffer.byteLength(secret) >= MIN_SECRET_BYTES)) return
  logger.warn(
    {},
    `BOARDCAST_JWT_SECRET holds a secret of fewer than ${MIN_SECRET_BYTES} bytes, which could be found by trying; "openssl rand -base64 32" makes a good one`,
  )
}

function remoteKeys(url: string, onChange: () => void, logger: Logger): RemoteKeys {
  // The query may hold a credential.
  const from = url.replace(/[?#].*/, '')
  return new RemoteKeys({
    url,
    onChange,
    onFailure: (reason) => logger.error({ from }, `the keys of the issuer cannot be fetched: ${reason}`),
    onRecovery: () => logger.info({ from }, 'the keys of the issuer can be fetched again'),
  })
}
