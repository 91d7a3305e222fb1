/** Which errors an operation answers: its own, and those that follow from what it takes. */
import { type ErrorCode, type ErrorStatus, type FieldError, problemBody, statusOf } from '../../shared/src/errors.ts'

/** What decides which errors an operation has besides its own. */
export interface Taking {
  readonly errors: readonly ErrorCode[]
  readonly takesCredentials: boolean
  readonly readsStore: boolean
  readonly isMutation: boolean
  readonly takesBody: boolean
  readonly takesKey: boolean
}

/** Of every request: it may not be readable, not arrive, be of another host. */
const ALWAYS: readonly ErrorCode[] = ['bad_request', 'forbidden', 'request_timeout', 'too_large', 'internal']
const WITH_CREDENTIALS: readonly ErrorCode[] = [
  'unauthenticated',
  'token_expired',
  'rate_limited',
  'issuer_unavailable',
]
const OF_MUTATIONS: readonly ErrorCode[] = [
  'unsupported_media_type',
  'validation_failed',
  'rate_limited',
  'draining',
  'overloaded',
]

/** The codes by status, each in the order of the table of errors. */
export function errorsOf(taking: Taking): ReadonlyMap<ErrorStatus, readonly ErrorCode[]> {
  const codes = new Set<ErrorCode>([
    ...ALWAYS,
    ...taking.errors,
    ...(taking.takesCredentials ? WITH_CREDENTIALS : []),
    ...(taking.readsStore ? (['storage_unavailable'] as const) : []),
    ...(taking.isMutation ? OF_MUTATIONS : []),
    ...(taking.takesBody ? (['invalid_json'] as const) : []),
    ...(taking.takesKey ? (['idempotency_mismatch'] as const) : []),
  ])
  const ordered = (Object.keys(EXAMPLES) as ErrorCode[]).filter((code) => codes.has(code))
  const byStatus = new Map<ErrorStatus, ErrorCode[]>()
  for (const code of ordered) byStatus.set(statusOf(code), [...(byStatus.get(statusOf(code)) ?? []), code])
  return new Map([...byStatus].sort(([a], [b]) => a - b))
}

/** An example of a problem with this code. */
export function exampleProblem(code: ErrorCode) {
  const { detail, errors } = EXAMPLES[code]
  return problemBody(code, detail, errors)
}

/** Every code. */
export const errorCodes = () => Object.keys(EXAMPLES) as [ErrorCode, ...ErrorCode[]]

interface Told {
  readonly detail: string
  readonly errors?: readonly FieldError[]
}

const EXAMPLES: Readonly<Record<ErrorCode, Told>> = {
  bad_request: { detail: 'limit is invalid: expected number, received NaN.' },
  invalid_channel: { detail: '"boards" is not a channel. Write board:ID, agent:ID or global.' },
  invalid_json: { detail: 'The body is empty; send a JSON object.' },
  unauthenticated: { detail: 'This needs a token. Send it as "Authorization: Bearer TOKEN".' },
  token_expired: { detail: 'The token has expired. Get a new one.' },
  forbidden: { detail: 'This token has no right to that.' },
  not_found: { detail: 'There is no GET /api/v1/board.' },
  board_not_found: { detail: 'There is no board demo.' },
  column_not_found: { detail: 'There is no column col_0192f3a4-5b6c-7d8e-9f00-000000000009.' },
  card_not_found: { detail: 'There is no card crd_0192f3a4-5b6c-7d8e-9f00-000000000009.' },
  attempt_not_found: { detail: 'There is no attempt att_0192f3a4-5b6c-7d8e-9f00-000000000009.' },
  agent_not_found: { detail: 'No agent is registered as claude-1. Register it with POST /agents.' },
  profile_not_found: { detail: 'There is no such profile. GET /agent-profiles lists them.' },
  task_not_found: { detail: 'There is no such task. GET /tasks lists them.' },
  subtask_not_found: { detail: 'There is no such subtask. GET /tasks/:id/subtasks lists those of a task.' },
  message_not_found: { detail: 'There is no such message, or it has expired.' },
  session_not_found: { detail: 'There is no session session-7. Create it with POST /sessions.' },
  workflow_run_not_found: { detail: 'There is no such workflow run.' },
  step_not_found: { detail: 'The workflow run has no such step.' },
  shell_not_found: { detail: 'There is no shell shell-1. Create it with POST /shells.' },
  request_timeout: { detail: 'The request did not arrive in time. Send it on a new connection, less at a time.' },
  conflict: { detail: 'The board demo already exists. Choose another id.' },
  stale_revision: { detail: 'ifRevision is 1, but DEMO-1 is at revision 2. Read the card again.' },
  blocked_by_dependencies: { detail: 'The card depends on cards that are not done. Finish them first.' },
  invalid_transition: { detail: 'The status of this cannot go from completed to running.' },
  column_not_empty: { detail: 'The column QA holds 1 card. Move or delete what it holds first.' },
  card_done: { detail: 'The card is in a done column. Move it out before an attempt works on it.' },
  too_large: { detail: 'The body may be at most 1048576 bytes. Send less at a time.' },
  unsupported_media_type: { detail: 'Send the body as Content-Type: application/json.' },
  range_not_satisfiable: { detail: 'The file has no such range. Content-Range says how long it is.' },
  validation_failed: {
    detail: 'title is invalid: expected string, but it is missing.',
    errors: [{ path: 'title', message: 'is invalid: expected string, but it is missing' }],
  },
  dependency_cycle: {
    detail: 'dependsOn.0 would close a cycle: DEMO-1 > DEMO-2 > DEMO-1. Leave DEMO-2 out.',
    errors: [{ path: 'dependsOn.0', message: 'would close a cycle: DEMO-1 > DEMO-2 > DEMO-1' }],
  },
  idempotency_mismatch: {
    detail: 'This Idempotency-Key was used with another body. Use a new key.',
    errors: [{ path: '', message: 'differs from the body that was sent with this Idempotency-Key before' }],
  },
  upgrade_required: { detail: '/ws is a WebSocket: open it with ws:// and an upgrade.' },
  rate_limited: { detail: 'At most 100 changes a second; nothing was changed. Try again later.' },
  internal: { detail: 'Something went wrong here; it has been logged.' },
  draining: { detail: 'The server is shutting down.' },
  overloaded: { detail: 'The server has too much to do at the moment. Try again later.' },
  storage_unavailable: { detail: 'The database cannot be written at the moment. Nothing was changed; try again.' },
  issuer_unavailable: { detail: 'The keys of the issuer of tokens cannot be fetched at the moment.' },
}
