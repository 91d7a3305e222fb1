/** What tabs that share a stream say to each other, and what they need of the browser for it. */
import type { Frame, GapNotice, Status } from './types.ts'

/** One call of a SourceListener. */
export type Telling =
  | readonly ['frame', frame: Frame, marks: boolean]
  | readonly ['mark', id: string]
  | readonly ['covered', channels: readonly string[], position: string]
  | readonly ['gap', notice: GapNotice]
  | readonly ['refused', channels: readonly string[], message: string, status: number | undefined]

/** What a tab wants, and how far it has been told. */
export interface Wish {
  readonly channels: readonly string[]
  readonly names: readonly string[]
  readonly position: string | null
}

export type TabMessage =
  /** `isNew`: it knows nobody yet; all answer, and the leader says what stands. */
  | ({ readonly kind: 'here'; readonly isNew: boolean } & Wish)
  | { readonly kind: 'bye' }
  /** It leads from now on; all answer with `here`. */
  | { readonly kind: 'lead' }
  | { readonly kind: 'told'; readonly tellings: readonly Telling[] }
  | { readonly kind: 'status'; readonly status: Status }
  | { readonly kind: 'reconnect' }

export type SentMessage = TabMessage & { readonly from: string }

/** The parts of LockManager and BroadcastChannel that are used. */
export interface Locks {
  request(
    name: string,
    options: { readonly signal?: AbortSignal; readonly steal?: boolean },
    callback: () => Promise<unknown>,
  ): Promise<unknown>
  query(): Promise<{ readonly held?: ReadonlyArray<{ readonly name?: string }> }>
}
export interface TabChannel {
  postMessage(message: SentMessage): void
  onmessage: ((event: { readonly data: SentMessage }) => void) | null
  close(): void
}

export interface Tabs {
  readonly locks: Locks
  readonly BroadcastChannel: new (name: string) => TabChannel
}

/** Undefined where tabs cannot share. Some browsers throw when a page that may not have one merely looks at it. */
export function tabsHere(): Tabs | undefined {
  try {
    const { navigator, BroadcastChannel } = globalThis as unknown as {
      readonly navigator?: { readonly locks?: Locks }
      readonly BroadcastChannel?: Tabs['BroadcastChannel']
    }
    const locks = navigator?.locks
    return locks && BroadcastChannel ? { locks, BroadcastChannel } : undefined
  } catch {
    return undefined
  }
}
