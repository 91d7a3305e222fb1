/** A terminal: its status and its output. */
import type { Shell, ShellChunk } from '../../../shared/src/types/shells.ts'
import { compareIds } from '../base/frames.ts'
import type { Frame, HubCore } from '../base/types.ts'
import { LineSplitter, MAX_RECENT_ITEMS, RecentItems } from './recent-items.ts'
import { RELOAD, Resource } from './resource.ts'
import type { Standing } from './resource-state.ts'
import { storesPerHub } from './store-set.ts'

export interface ShellOutput extends ShellChunk {
  readonly id: string
  /** When it was committed, ISO 8601. */
  readonly ts: string
}

export interface ShellValue extends Standing {
  readonly shell: Shell | null
  /** The last 1,000 chunks as they came, with escape sequences, for a terminal emulator. */
  readonly chunks: readonly ShellOutput[]
  readonly chunkCount: number
  /** The last 1,000 lines; the last one may be incomplete. */
  readonly lines: readonly string[]
  readonly done: boolean
}

export const NO_SHELL: ShellValue = {
  phase: 'loading',
  error: null,
  shell: null,
  chunks: [],
  chunkCount: 0,
  lines: [],
  done: false,
}

interface ShellState {
  shell: Shell
  failure: string | null
  readonly chunks: RecentItems<ShellOutput>
  readonly lines: LineSplitter
  /** The answer included all output up to here. */
  readonly outputCursor: string
}

export function openShell(hub: HubCore, id: string, changed: () => void) {
  const path = `/shells/${encodeURIComponent(id)}`
  return new Resource<ShellState, ShellValue>(
    hub,
    {
      channels: [`shell:terminal:${id}`],
      types: ['shell.*'],
      mayAppear: true,
      async load() {
        const { body } = await hub.request<{ chunks: ShellOutput[]; cursor: string }>(
          'GET',
          `${path}/output?tail=${MAX_RECENT_ITEMS}`,
        )
        const shell = (await hub.request<Shell>('GET', path)).body
        const lines = new LineSplitter()
        for (const { data } of body.chunks) lines.push(data)
        return {
          value: { shell, failure: null, chunks: new RecentItems(body.chunks), lines, outputCursor: body.cursor },
        }
      },
      apply: applyToShell,
      show: (state, { phase, error }) => ({
        phase,
        error: error ?? (state?.failure ? new Error(state.failure) : null),
        shell: state?.shell ?? null,
        chunks: state?.chunks.list ?? [],
        chunkCount: state?.chunks.count ?? 0,
        lines: state?.lines.list ?? [],
        done: state?.shell.status === 'exited',
      }),
    },
    changed,
  )
}

function applyToShell(state: ShellState, { event, data, id, timestamp }: Frame): ShellState | typeof RELOAD {
  switch (event) {
    case 'shell.output': {
      if (compareIds(id, state.outputCursor) <= 0) return state
      const chunk = data as ShellChunk
      state.chunks.push({ id, data: chunk.data, ts: new Date(timestamp).toISOString() })
      state.lines.push(chunk.data)
      return state
    }
    case 'shell.exit':
      state.shell = { ...state.shell, status: 'exited', exitCode: (data as { code: number | null }).code }
      return state
    case 'shell.error':
      state.failure = (data as { error: string }).error
      return state
    case 'shell.created':
      // After the answer's cursor this is another shell with the same id: the first was deleted with its board.
      return compareIds(id, state.outputCursor) > 0 ? RELOAD : state
    default:
      return state
  }
}

export const shell = /* @__PURE__ */ storesPerHub(NO_SHELL, openShell)
