/** An issuer of tokens: keys of each kind, and a server that publishes their public halves. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type JWK, type JWTHeaderParameters, SignJWT } from 'jose'

export type SigningAlgorithm = 'RS256' | 'ES256' | 'EdDSA'

export interface IssuerKey {
  readonly algorithm: SigningAlgorithm
  readonly privateKey: KeyObject
  /** The public key. */
  readonly pem: string
  readonly jwk: JWK
  sign(claims: object, header?: Partial<JWTHeaderParameters>): Promise<string>
}

/** With a `kid`, tokens and the published key have it. */
export function issuerKey(algorithm: SigningAlgorithm, kid?: string): IssuerKey {
  const { publicKey, privateKey } = keyPair(algorithm)
  const named = kid === undefined ? {} : { kid }
  return {
    algorithm,
    privateKey,
    pem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    jwk: { ...(publicKey.export({ format: 'jwk' }) as JWK), alg: algorithm, use: 'sig', ...named },
    sign: (claims, header) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: algorithm, ...named, ...header }).sign(privateKey),
  }
}

function keyPair(algorithm: SigningAlgorithm): { publicKey: KeyObject; privateKey: KeyObject } {
  switch (algorithm) {
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2_048 })
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    case 'EdDSA':
      return generateKeyPairSync('ed25519')
  }
}

export interface KeySetServer extends AsyncDisposable {
  readonly url: string
  /** How often the set was asked for. */
  readonly requests: number
  publish(...keys: readonly IssuerKey[]): void
  /** From now on requests are answered by this; undefined: with the set. */
  answerBy(answer: ((response: ServerResponse) => void) | undefined): void
}

export async function startKeySetServer(...published: readonly IssuerKey[]): Promise<KeySetServer> {
  let set: readonly JWK[] = published.map(({ jwk }) => jwk)
  let answer: ((response: ServerResponse) => void) | undefined
  let requests = 0
  const server = createServer((_, response) => {
    requests += 1
    if (answer) answer(response)
    else response.setHeader('Content-Type', 'application/json').end(JSON.stringify({ keys: set }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys.json`,
    get requests() {
      return requests
    },
    publish(...keys) {
      set = keys.map(({ jwk }) => jwk)
    },
    answerBy(next) {
      answer = next
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
