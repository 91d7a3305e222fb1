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
import { openSessionTokens, type SessionTokens } from './session-tokens.ts'
import type { Subject } from './subject.ts'
import { redeemTicket } from './tickets.ts'
import { createTokenCache } from './token-cache.ts'
import { createTokenVerifier, isValid, mustBeValid } from './token-verifier.ts'

/** As long as the hash (RFC 7518, 3.2). */
const MIN_SECRET_BYTES = 32
/** Guesses are limited, but not prevented. */
const MIN_PASSWORD_LENGTH = 12

interface AuthenticatorParts {
  readonly store: Store
  readonly logger: Logger
  /** Keys may have been withdrawn. `isWithdrawn` tells of a key whether it is valid no longer. */
  onKeys(isWithdrawn: (keyId: string) => Promise<boolean>): void
}

export interface RunningAuthenticator extends Authenticator {
  readonly logins: PageLogins
  /** Stops fetching keys. */
  stop(): void
}

/** Rights are on if a key is configured, unless they are switched off. */
export async function createAuthenticator(
  config: Config,
  { store, logger, onKeys }: AuthenticatorParts,
): Promise<RunningAuthenticator> {
  if (config.isAuthOff || !hasKey(config)) {
    if (config.isAuthOff) logger.warn({}, 'BOARDCAST_AUTH=off: everyone who reaches this server may read and write')
    return {
      ...RIGHTS_OFF,
      logins: logInsWithoutRights(store),
      stop: () => undefined,
    }
  }
  warnOfWeak(config, logger)
  const sessions = await openSessionTokens(store)
  const password = config.token === undefined ? null : passwordOf(config.token, sessions)
  const sources: KeySource[] = [sessions, ...(password ? [password] : []), await fixedKeysOf(config, sessions)]
  const cache = createTokenCache(createTokenVerifier(sources))
  const remote = config.jwksUrl === undefined ? null : remoteKeys(config.jwksUrl, logger, { onChange, onFetched })
  if (remote) sources.push(remote)

  function onChange(): void {
    cache.clear()
  }

  // Also if nothing has changed: what was verified just before a change may have been opened after it.
  function onFetched(): void {
    onKeys(async (keyId) => !(await isValid(sources, keyId)))
  }

  async function redeem(ticket: string): Promise<Subject> {
    const subject = await redeemTicket(store, ticket)
    await mustBeValid(sources, subject.keyId)
    return subject
  }

  const authenticator: Authenticator = {
    isOn: true,
    async authenticate(fields, inQuery) {
      const credential = credentialOf(fields, inQuery)
      if (!credential) {
        throw new Problem('unauthenticated', 'This needs a token. Send it as "Authorization: Bearer TOKEN".')
      }
      return credential.from === 'ticket' ? redeem(credential.text) : authenticator.verify(credential.text)
    },
    async verify(token) {
      return password?.subjectOf(token) ?? cache.verify(token)
    },
  }
  return {
    ...authenticator,
    logins: createPageLogins(redeem, sessions, authenticator),
    stop: () => remote?.stop(),
  }
}

interface Password extends KeySource {
  subjectOf(text: string): Subject | undefined
}

/** A password verifies no tokens, but is the key behind tickets and cookies. */
function passwordOf(text: string, sessions: SessionTokens): Password {
  const keyId = sessions.idOf('password', text)
  return { ...fixedKeys([]), has: (id) => Promise.resolve(id === keyId), subjectOf: passwordCheck(text, keyId) }
}

async function fixedKeysOf({ jwtSecrets, jwtPublicKeys }: Config, sessions: SessionTokens): Promise<KeySource> {
  const secrets = jwtSecrets.map((secret) => hmacKey(secret, sessions.idOf('secret', secret)))
  return fixedKeys(await Promise.all([...secrets, ...jwtPublicKeys.map(publicKey)]))
}

/** Anybody who has a token can try secrets against its signature, at home and without a limit. */
function warnOfWeak({ token, jwtSecrets }: Config, logger: Logger): void {
  const advice = 'could be found by trying; "openssl rand -base64 32" makes a good one'
  if (jwtSecrets.some((secret) => Buffer.byteLength(secret) < MIN_SECRET_BYTES)) {
    logger.warn({}, `BOARDCAST_JWT_SECRET holds a secret of fewer than ${MIN_SECRET_BYTES} bytes, which ${advice}`)
  }
  if (token !== undefined && token.length < MIN_PASSWORD_LENGTH) {
    logger.warn({}, `BOARDCAST_TOKEN has fewer than ${MIN_PASSWORD_LENGTH} characters and ${advice}`)
  }
}

type Changes = Pick<ConstructorParameters<typeof RemoteKeys>[0], 'onChange' | 'onFetched'>

function remoteKeys(url: string, logger: Logger, changes: Changes): RemoteKeys {
  // The query may hold a credential.
  const from = url.replace(/[?#].*/, '')
  return new RemoteKeys({
    url,
    ...changes,
    onFailure: (reason) => logger.error({ from }, `the keys of the issuer cannot be fetched: ${reason}`),
    onRecovery: () => logger.info({ from }, 'the keys of the issuer can be fetched again'),
  })
}
