/** The authenticator that the settings ask for. */
import { type Config, hasKey } from '../base/config.ts'
import { Problem } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { type Authenticator, RIGHTS_OFF } from './authenticator.ts'
import { credentialOf } from './credentials.ts'
import { fixedKeys, hmacKey, type KeySource, publicKey } from './keys.ts'
import { passwordCheck } from './password.ts'
import { RemoteKeys } from './remote-keys.ts'
import { createTokenCache } from './token-cache.ts'
import { createTokenVerifier, invalid } from './token-verifier.ts'

export interface RunningAuthenticator extends Authenticator {
  /** Stops fetching keys. */
  stop(): void
}

/** Rights are on if a key is configured, unless they are switched off. */
export async function createAuthenticator(config: Config, logger: Logger): Promise<RunningAuthenticator> {
  if (config.isAuthOff || !hasKey(config)) return { ...RIGHTS_OFF, stop: () => undefined }
  const subjectOfPassword = config.token === undefined ? () => undefined : passwordCheck(config.token)
  const sources: KeySource[] = [
    fixedKeys(await Promise.all([...config.jwtSecrets.map(hmacKey), ...config.jwtPublicKeys.map(publicKey)])),
  ]
  const cache = createTokenCache(createTokenVerifier(sources))
  const remote = config.jwksUrl === undefined ? null : remoteKeys(config.jwksUrl, () => cache.clear(), logger)
  if (remote) sources.push(remote)

  const authenticator: RunningAuthenticator = {
    isOn: true,
    async authenticate(fields, inQuery) {
      const credential = credentialOf(fields, inQuery)
      if (!credential) {
        throw new Problem('unauthenticated', 'This needs a token. Send it as "Authorization: Bearer TOKEN".')
      }
      if (credential.from === 'ticket') throw invalid('The ticket is unknown, or was used before.')
      return authenticator.verify(credential.text)
    },
    async verify(token) {
      return subjectOfPassword(token) ?? cache.verify(token)
    },
    stop: () => remote?.stop(),
  }
  return authenticator
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
