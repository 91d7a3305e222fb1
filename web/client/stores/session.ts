/** One session of an agent: how it stands, and what it printed. */
import type { Session, SessionChunk } from '../../../shared/src/types/sessions.ts'
import type { HubCore } from '../core/hub-core.ts'
import { compareIds } from '../core/positions.ts'
import { perHub } from './per-hub.ts'
import { type ResourceStore, resourceStore, type Standing } from './resource.ts'
import { TAIL_LIMIT, Tail } from './tail.ts'

export interface SessionMessage extends SessionChunk {
  readonly id: string
  /** Of the commit, ISO 8601. */
  readonly ts: string
}

export interface SessionValue extends Standing {
  readonly session: Session | null
  /** The last 1,000, oldest first. */
  readonly messages: readonly SessionMessage[]
  readonly messageCount: number
  readonly done: boolean
}

interface Known {
  session: Session
  readonly messages: Tail<SessionMessage>
  readonly printed: string
}

const FINAL: ReadonlySet<string> = new Set<Session['status']>(['completed', 'error', 'cancelled'])

export function sessionStore(hub: HubCore, id: string): ResourceStore<SessionValue> {
  const path = `/sessions/${encodeURIComponent(id)}`
  return resourceStore<Known, SessionValue>(hub, {
    channels: [`session:${id}`],
    types: ['session.*'],
    mayCome: true,
    async load() {
      const printed = await hub.request<{ chunks: SessionMessage[]; cursor: string }>(
        'GET',
        `${path}/output?tail=${TAIL_LIMIT}`,
      )
      const { body } = await hub.request<Session>('GET', path)
      return { value: { session: body, messages: new Tail(printed.body.chunks), printed: printed.body.cursor } }
    },
    fold(known, { event, data, id, timestamp }) {
      const ts = new Date(timestamp).toISOString()
      // A session went with its board, and its id was used again.
      if (event === 'session.created' && ts > known.session.createdAt) return 'again'
      if (event !== 'session.stream_output') {
        const { status, error = null } = data as { status: Session['status']; error?: string }
        known.session = { ...known.session, status, error, updatedAt: ts }
      } else if (compareIds(id, known.printed) > 0) {
        const { content, type } = data as SessionChunk
        known.messages.push({ id, content, type, ts })
      }
      return undefined
    },
    show: (known, standing) => ({
      ...standing,
      session: known?.session ?? null,
      messages: known?.messages.list ?? [],
      messageCount: known?.messages.count ?? 0,
      done: known !== null && FINAL.has(known.session.status),
    }),
  })
}

export const session = /* @__PURE__ */ perHub(sessionStore)
