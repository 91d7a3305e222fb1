/** Where a listener begins, by what the log holds of the very things that it asks for. */
import type { Bounds } from '../db/snapshot.ts'
import type { Store } from '../db/store.ts'
import type { Start } from './delivery/channel-change.ts'
import { oldestOf } from './delivery/coverage.ts'
import type { Selection } from './delivery/selection.ts'
import type { RequestFields } from './request.ts'
import { parseStart, startSince } from './resume.ts'

/** Where a stream with this selection begins. */
export function startOf(store: Store, selection: Selection, fields: RequestFields): Promise<Start> {
  return covered(store, selection, (bounds) => parseStart(fields, store.epoch, bounds))
}

/** Where a channel that is joined begins. */
export function startOfChannel(store: Store, selection: Selection, since: string | null | undefined): Promise<Start> {
  return covered(store, selection, (bounds) => (since ? startSince(since, store.epoch, bounds) : { kind: 'fresh' }))
}

/** Mostly the bounds of the whole log answer already: from there on nothing is missing anywhere. */
async function covered(store: Store, selection: Selection, startIn: (bounds: Bounds) => Start): Promise<Start> {
  const { bounds } = store
  const start = startIn(bounds)
  if (start.kind === 'fresh' || (start.kind === 'resume' && start.seq > bounds.oldest)) return start
  return store.read(async (snapshot) => {
    const oldest = await oldestOf(snapshot, selection)
    return startIn({ oldest, newest: snapshot.head })
  })
}
