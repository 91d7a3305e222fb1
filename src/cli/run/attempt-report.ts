import { type Api, endlessPatience, ordinaryPatience } from '../api/api.ts'
import { NotTheApi, Refused } from '../api/api-errors.ts'
import { Attempt, type AttemptStatus } from '../api/responses.ts'

export type FinalStatus = 'succeeded' | 'failed' | 'stopped'

export interface Outcome {
  readonly status: FinalStatus
  readonly exitCode: number
  readonly error?: string | undefined
}

/** What a run reports to the server about its attempt. Retries for as long as the server is unreachable. */
export interface AttemptReport {
  /** Resolves to whether the server accepted the lines; never rejects. */
  postLines(json: string): Promise<boolean>
  /** Reports that the run was asked to stop; never rejects. */
  announceStop(): Promise<void>
  /** Reports the outcome. Resolves to the status that the attempt now has, or to why it could not be recorded. */
  settle(outcome: Outcome): Promise<{ status: AttemptStatus } | { failure: string }>
}

export interface AttemptReportOptions {
  readonly api: Api
  readonly attemptId: string
  /** Ends all retries. */
  readonly signal: AbortSignal
  /** Prints progress, unless the user wants quiet; `warn` always prints. */
  readonly info: (text: string) => void
  readonly warn: (text: string) => void
}

/** Shorter interruptions are not reported. */
const minOutageMs = 1_000

export function createAttemptReport({ api, attemptId, signal, info, warn }: AttemptReportOptions): AttemptReport {
  const path = `/attempts/${encodeURIComponent(attemptId)}`
  let hasReportedOutage = false
  let hasReportedRefusal = false
  /** No later line can be accepted either: the attempt was deleted, or the token is not allowed to write. */
  let isClosed = false

  const persistent = {
    signal,
    patience: endlessPatience,
    onRetry(reason: string, triedMs: number) {
      if (hasReportedOutage || triedMs < minOutageMs) return
      hasReportedOutage = true
      info(
        `${api.baseUrl} is unreachable (${reason}); the command keeps running and its output is kept until the server is back`,
      )
    },
  }

  return {
    async postLines(json) {
      if (isClosed || signal.aborted) return false
      try {
        await api.send('POST', `${path}/logs`, { json, ...persistent })
        return true
      } catch (error) {
        if (signal.aborted) return false
        isClosed = error instanceof Refused && [401, 403, 404].includes(error.status)
        if (!hasReportedRefusal) warn(`the command keeps running, but its output is not logged: ${messageOf(error)}`)
        hasReportedRefusal = true
        return false
      }
    },

    async announceStop() {
      try {
        await api.send('POST', `${path}/stop`, persistent)
      } catch {
        // It has already ended, or the server is unreachable: `settle` will report the same.
      }
    },

    async settle(outcome) {
      try {
        await api.send('PATCH', path, { ...persistent, body: outcome })
        return { status: outcome.status }
      } catch (error) {
        if (signal.aborted) return { failure: `${api.baseUrl} is unreachable` }
        if (error instanceof NotTheApi && hasReportedRefusal) return { failure: 'see above' }
        if (!(error instanceof Refused) || error.status !== 409) return { failure: messageOf(error) }
        return await statusNow(messageOf(error))
      }
    },
  }

  /** After a 409: either the first try of our PATCH did arrive, or somebody else has ended the attempt. */
  async function statusNow(refusal: string): Promise<{ status: AttemptStatus } | { failure: string }> {
    try {
      const { value } = await api.read(Attempt, 'GET', path, { signal, patience: ordinaryPatience })
      return { status: value.status }
    } catch {
      return { failure: refusal }
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
