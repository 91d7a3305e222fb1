/** The messages between tabs that share a stream, and the parts of the browser that tabs need. */
import type { Frame, GapNotice, Status } from '../base/types.ts'

/** One call of a StreamListener, as the leader relays it. */
export type ListenerCall =
  | readonly ['frame', frame: Frame, isCheckpoint: boolean]
  | readonly ['checkpoint', id: string]
  | readonly ['covered', channels: readonly string[], cursor: string]
  | readonly ['gap', notice: GapNotice]
  | readonly ['refused', channels: readonly string[], message: string, status: number | undefined]

/** What a tab wants from the stream, and up to which id it has every event. */
export interface TabWants {
  readonly channels: readonly string[]
  readonly names: readonly string[]
  readonly cursor: string | null
}

export type TabMessage =
  /** `isNew`: the tab has just joined. All tabs answer with their own, and the leader with the current state. */
  | ({ readonly kind: 'wants'; readonly isNew: boolean } & TabWants)
  | { readonly kind: 'leaves' }
  /** The sender leads from now on. All tabs answer with `wants`. */
  | { readonly kind: 'leads' }
  | { readonly kind: 'relay'; readonly calls: readonly ListenerCall[] }
  | { readonly kind: 'status'; readonly status: Status }
  | { readonly kind: 'reconnect' }

export type SentMessage = TabMessage & { readonly from: string }

/** The part of LockManager that is used. */
export interface Locks {
  request(
    name: string,
    options: { readonly signal?: AbortSignal; readonly steal?: boolean },
    callback: () => Promise<unknown>,
  ): Promise<unknown>
  query(): Promise<{ readonly held?: ReadonlyArray<{ readonly name?: string }> }>
}

/** The part of BroadcastChannel that is used. */
export interface TabChannel {
  postMessage(message: SentMessage): void
  onmessage: ((event: { readonly data: SentMessage }) => void) | null
  close(): void
}

export interface Tabs {
  readonly locks: Locks
  readonly BroadcastChannel: new (name: string) => TabChannel
}

/** Undefined where tabs cannot share a stream. Some browsers throw when a page without the permission reads `locks`. */
export function browserTabs(): Tabs | undefined {
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
