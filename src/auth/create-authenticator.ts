/** The authenticator that the settings ask for. */
import { type Config, hasKey } from '../base/config.ts'
import { Problem } from '../base/errors.ts'
import { type Authenticator, RIGHTS_OFF } from './authenticator.ts'
import { credentialOf } from './credentials.ts'
import { fixedKeys, hmacKey } from './keys.ts'
import { passwordCheck } from './password.ts'
import { createTokenCache } from './token-cache.ts'
import { createTokenVerifier, invalid } from './token-verifier.ts'

/** Rights are on if a key is configured, unless they are switched off. */
export async function createAuthenticator(config: Config): Promise<Authenticator> {
  if (config.isAuthOff || !hasKey(config)) return RIGHTS_OFF
  const subjectOfPassword = config.token === undefined ? () => undefined : passwordCheck(config.token)
  const cache = createTokenCache(createTokenVerifier([fixedKeys(await Promise.all(config.jwtSecrets.map(hmacKey)))]))

  const authenticator: Authenticator = {
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
  }
  return authenticator
}
