/** One terminal: how it stands, and what it printed. */
import type { Shell, ShellChunk } from '../../../shared/src/types/shells.ts'
import type { HubCore } from '../core/hub-core.ts'
import { compareIds } from '../core/positions.ts'
import type { Frame } from '../core/types.ts'
import { LineSplitter } from './line-splitter.ts'
import { perHub } from './per-hub.ts'
import { type Consequence, type ResourceStore, resourceStore, type Standing } from './resource.ts'
import { TAIL_LIMIT, Tail } from './tail.ts'

export interface ShellOutput extends ShellChunk {
  readonly id: string
  /** Of the commit, ISO 8601. */
  readonly ts: string
}

export interface ShellValue extends Standing {
  readonly shell: Shell | null
  /** The last 1,000 pieces as they came, escape sequences and all: what a terminal emulator wants. */
  readonly chunks: readonly ShellOutput[]
  readonly chunkCount: number
  /** The last 1,000 lines of them; the last one may not be whole yet. */
  readonly lines: readonly string[]
  readonly done: boolean
}

interface Known {
  shell: Shell
  failure: string | null
  readonly chunks: Tail<ShellOutput>
  readonly lines: LineSplitter
  readonly printed: string
}

export function shellStore(hub: HubCore, id: string): ResourceStore<ShellValue> {
  const path = `/shells/${encodeURIComponent(id)}`
  return resourceStore<Known, ShellValue>(hub, {
    channels: [`shell:terminal:${id}`],
    types: ['shell.*'],
    mayCome: true,
    async load() {
      const { body } = await hub.request<{ chunks: ShellOutput[]; cursor: string }>(
        'GET',
        `${path}/output?tail=${TAIL_LIMIT}`,
      )
      const shell = (await hub.request<Shell>('GET', path)).body
      const lines = new LineSplitter()
      for (const { data } of body.chunks) lines.push(data)
      return { value: { shell, failure: null, chunks: new Tail(body.chunks), lines, printed: body.cursor } }
    },
    fold: foldShell,
    show: (known, { phase, error }) => ({
      phase,
      error: error ?? (known?.failure ? new Error(known.failure) : null),
      shell: known?.shell ?? null,
      chunks: known?.chunks.list ?? [],
      chunkCount: known?.chunks.count ?? 0,
      lines: known?.lines.list ?? [],
      done: known?.shell.status === 'exited',
    }),
  })
}

function foldShell(known: Known, { event, data, id, timestamp }: Frame): Consequence {
  switch (event) {
    case 'shell.output':
      if (compareIds(id, known.printed) <= 0) return undefined
      known.chunks.push({ id, data: (data as ShellChunk).data, ts: new Date(timestamp).toISOString() })
      known.lines.push((data as ShellChunk).data)
      return undefined
    case 'shell.exit':
      known.shell = { ...known.shell, status: 'exited', exitCode: (data as { code: number | null }).code }
      return undefined
    case 'shell.error':
      known.failure = (data as { error: string }).error
      return undefined
    case 'shell.created':
      // A shell went with its board, and its id was used again. Of the first it is known already.
      return compareIds(id, known.printed) > 0 ? 'again' : undefined
    default:
      return undefined
  }
}

export const shell = /* @__PURE__ */ perHub(shellStore)
