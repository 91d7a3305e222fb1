import { type Api, endlessPatience, ordinaryPatience } from '../api/api.ts'
import { NotTheApi, Refused } from '../api/api-errors.ts'
import { Attempt, type AttemptStatus } from '../api/replies.ts'

export type FinalStatus = 'succeeded' | 'failed' | 'stopped'

export interface Outcome {
  readonly status: FinalStatus
  readonly exitCode: number
  readonly error?: string | undefined
}

/** Everything that a run tells the server about its attempt, however long the server is away. */
export interface AttemptReport {
  /** Resolves to whether the lines were taken; never rejects. */
  postLines(json: string): Promise<boolean>
  /** Announces that we were told to stop. */
  announceStop(): Promise<void>
  /** Resolves to what became of the attempt: the outcome's status when it was taken, else why not. */
  settle(outcome: Outcome): Promise<{ status: AttemptStatus } | { failure: string }>
}

export interface AttemptReportOptions {
  readonly api: Api
  readonly attemptId: string
  /** Ends all patience. */
  readonly signal: AbortSignal
  /** For what is worth knowing, and for what must be known. */
  readonly talk: (text: string) => void
  readonly say: (text: string) => void
}

/** A connection that was cut and is there again at once is nobody's concern. */
const worthSayingMs = 1_000

export function createAttemptReport({ api, attemptId, signal, talk, say }: AttemptReportOptions): AttemptReport {
  const path = `/attempts/${encodeURIComponent(attemptId)}`
  let saidAway = false
  let saidRefused = false
  /** Set when no later line can be taken either: the attempt is gone, or our right to it. */
  let closed = false

  const persistent = {
    signal,
    patience: endlessPatience,
    onRetry(reason: string, triedMs: number) {
      if (saidAway || triedMs < worthSayingMs) return
      saidAway = true
      talk(`${api.baseUrl} is away (${reason}); the command goes on and its output is kept until the server is back`)
    },
  }

  return {
    async postLines(json) {
      if (closed || signal.aborted) return false
      try {
        await api.send('POST', `${path}/logs`, { json, ...persistent })
        return true
      } catch (error) {
        if (signal.aborted) return false
        closed = error instanceof Refused && [401, 403, 404].includes(error.status)
        if (!saidRefused) say(`the command goes on, but its output is not logged: ${messageOf(error)}`)
        saidRefused = true
        return false
      }
    },

    async announceStop() {
      try {
        await api.send('POST', `${path}/stop`, persistent)
      } catch {
        // Ended already, or away for good: `settle` meets the same and says it.
      }
    },

    async settle(outcome) {
      try {
        await api.send('PATCH', path, { ...persistent, body: outcome })
        return { status: outcome.status }
      } catch (error) {
        if (signal.aborted) return { failure: `${api.baseUrl} is away` }
        if (error instanceof NotTheApi && saidRefused) return { failure: 'see above' }
        if (!(error instanceof Refused) || error.status !== 409) return { failure: messageOf(error) }
        return await statusNow(messageOf(error))
      }
    },
  }

  /** A PATCH whose first try did arrive meets its own result, and an attempt that somebody else ended has its own. */
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
