/** A session of an agent: its status and its output. */
import type { Session, SessionChunk } from '../../../shared/src/types/sessions.ts'
import { compareIds } from '../base/frames.ts'
import type { HubCore } from '../base/types.ts'
import { MAX_RECENT_ITEMS, RecentItems } from './recent-items.ts'
import { RELOAD, Resource } from './resource.ts'
import type { Standing } from './resource-state.ts'
import { storesPerHub } from './store-set.ts'

export interface SessionMessage extends SessionChunk {
  readonly id: string
  /** When it was committed, ISO 8601. */
  readonly ts: string
}

export interface SessionValue extends Standing {
  readonly session: Session | null
  /** The last 1,000, oldest first. */
  readonly messages: readonly SessionMessage[]
  readonly messageCount: number
  readonly done: boolean
}

export const NO_SESSION: SessionValue = {
  phase: 'loading',
  error: null,
  session: null,
  messages: [],
  messageCount: 0,
  done: false,
}

interface SessionState {
  session: Session
  readonly messages: RecentItems<SessionMessage>
  /** The answer included all output up to here. */
  readonly outputCursor: string
}

const FINAL: ReadonlySet<string> = new Set<Session['status']>(['completed', 'error', 'cancelled'])

export function openSession(hub: HubCore, id: string, changed: () => void) {
  const path = `/sessions/${encodeURIComponent(id)}`
  return new Resource<SessionState, SessionValue>(
    hub,
    {
      channels: [`session:${id}`],
      types: ['session.*'],
      mayAppear: true,
      async load() {
        const output = await hub.request<{ chunks: SessionMessage[]; cursor: string }>(
          'GET',
          `${path}/output?tail=${MAX_RECENT_ITEMS}`,
        )
        const { body } = await hub.request<Session>('GET', path)
        return {
          value: { session: body, messages: new RecentItems(output.body.chunks), outputCursor: output.body.cursor },
        }
      },
      apply(state, { event, data, id, timestamp }) {
        const ts = new Date(timestamp).toISOString()
        // The first session was deleted with its board, and this is another one with the same id.
        if (event === 'session.created' && ts > state.session.createdAt) return RELOAD
        if (event !== 'session.stream_output') {
          const { status, error = null } = data as { status: Session['status']; error?: string }
          state.session = { ...state.session, status, error, updatedAt: ts }
        } else if (compareIds(id, state.outputCursor) > 0) {
          const { content, type } = data as SessionChunk
          state.messages.push({ id, content, type, ts })
        }
        return state
      },
      show: (state, standing) => ({
        ...standing,
        session: state?.session ?? null,
        messages: state?.messages.list ?? [],
        messageCount: state?.messages.count ?? 0,
        done: state !== null && FINAL.has(state.session.status),
      }),
    },
    changed,
  )
}

export const session = /* @__PURE__ */ storesPerHub(NO_SESSION, openSession)
