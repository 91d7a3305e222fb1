/** Authenticates and authorizes requests for a socket: before the upgrade, and for a plain GET of the address. */
import { authorizeAgent, authorizeSession } from '../auth/rights.ts'
import type { Subject } from '../auth/subject.ts'
import type { Admission } from '../connections/admission.ts'
import type { RequestFields } from '../sse/request.ts'
import { parseSocketRequest, type SocketRequest } from './request.ts'

export interface AdmittedSocket {
  readonly subject: Subject
  readonly request: SocketRequest
}

/** Rejects with `unauthenticated`, `token_expired`, `bad_request`, `invalid_channel` and `forbidden`. */
export async function admitSocket(
  admission: Admission,
  fields: RequestFields,
  isDashboard: boolean,
): Promise<AdmittedSocket> {
  const subject = await admission.authenticate(fields)
  const request = parseSocketRequest(fields, isDashboard, subject.subscribe)
  admission.authorize(subject, request.selection.channels)
  if (request.agentId !== undefined) authorizeAgent(subject, request.agentId)
  if (request.sessionId !== undefined) authorizeSession(subject, request.sessionId)
  return { subject, request }
}
