/** BOARDCAST_TOKEN: one password for everything, for those who have no issuer of tokens. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { OPERATOR, type Subject } from './subject.ts'

/** The subject of the password, undefined for any other text. Takes the same time for every text of one length. */
export function passwordCheck(password: string, keyId: string): (text: string) => Subject | undefined {
  const expected = digest(password)
  const subject: Subject = { ...OPERATOR, keyId }
  return (text) => (timingSafeEqual(digest(text), expected) ? subject : undefined)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
