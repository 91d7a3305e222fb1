/** Authentication: finds the subject of a request or of a message, or refuses it. */
import { ANYBODY, type Subject } from './subject.ts'

/** Header and query fields of a request, whatever the transport represents them by. */
export interface CredentialFields {
  header(name: string): string | undefined
  query(name: string): string | undefined
}

export interface Authenticator {
  /** False: everybody may do everything, and no credential is looked at. */
  readonly isOn: boolean
  /**
   * The subject of a request. Its token is in `Authorization` or the cookie; where `inQuery`, on streams and sockets, also
   * in `ticket` or `token`. Rejects with `unauthenticated` or `token_expired`. A ticket is used up.
   */
  authenticate(fields: CredentialFields, inQuery: boolean): Promise<Subject>
  /** The subject of a token that came in a message. Rejects likewise. */
  verify(token: string): Promise<Subject>
}

export const RIGHTS_OFF: Authenticator = {
  isOn: false,
  authenticate: () => Promise.resolve(ANYBODY),
  verify: () => Promise.resolve(ANYBODY),
}
