/**
 * Every error code of the service and its status, in one table. Replies are `application/problem+json`
 * (RFC 9457); `error` repeats the title for clients that look for a plain field.
 */
const STATUS = {
  bad_request: 400,
  invalid_channel: 400,
  invalid_json: 400,
  unauthenticated: 401,
  token_expired: 401,
  forbidden: 403,
  not_found: 404,
  board_not_found: 404,
  column_not_found: 404,
  card_not_found: 404,
  attempt_not_found: 404,
  agent_not_found: 404,
  profile_not_found: 404,
  task_not_found: 404,
  subtask_not_found: 404,
  message_not_found: 404,
  session_not_found: 404,
  workflow_run_not_found: 404,
  step_not_found: 404,
  shell_not_found: 404,
  request_timeout: 408,
  conflict: 409,
  stale_revision: 409,
  blocked_by_dependencies: 409,
  invalid_transition: 409,
  column_not_empty: 409,
  card_done: 409,
  too_large: 413,
  unsupported_media_type: 415,
  range_not_satisfiable: 416,
  validation_failed: 422,
  dependency_cycle: 422,
  idempotency_mismatch: 422,
  upgrade_required: 426,
  rate_limited: 429,
  internal: 500,
  draining: 503,
  overloaded: 503,
  storage_unavailable: 503,
  issuer_unavailable: 503,
} as const

const TITLE: Partial<Record<ErrorCode, string>> = {
  invalid_json: 'Invalid JSON',
  blocked_by_dependencies: 'Blocked by dependencies',
  column_not_empty: 'Column not empty',
  card_done: 'Card is done',
  too_large: 'Request body too large',
  internal: 'Internal server error',
  draining: 'Server is going down',
  storage_unavailable: 'Storage unavailable',
}

export type ErrorCode = keyof typeof STATUS
export type ErrorStatus = (typeof STATUS)[ErrorCode]

/** One fault of a body: `path` is dotted (`lines.3.message`), empty for the body itself. */
export interface FieldError {
  path: string
  message: string
}

/** The body of every error. */
export interface ProblemBody {
  type: 'about:blank'
  title: string
  status: ErrorStatus
  detail: string
  code: ErrorCode
  error: string
  errors?: readonly FieldError[]
}

export function statusOf(code: ErrorCode): ErrorStatus {
  return STATUS[code]
}

export function problemBody(code: ErrorCode, detail: string, errors?: readonly FieldError[]): ProblemBody {
  const title = TITLE[code] ?? sentenceCase(code)
  return { type: 'about:blank', title, status: STATUS[code], detail, code, error: title, ...(errors && { errors }) }
}

function sentenceCase(code: string): string {
  const words = code.replaceAll('_', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
