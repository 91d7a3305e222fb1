/**
 * Stores that are no method of the hub, so that a page which has no use for them does not load them. One set of each kind
 * for every hub, whoever asks.
 */
import type { HubCore } from '../core/hub-core.ts'
import { type SharedByCount, sharedByCount } from '../core/shared-by-count.ts'
import type { Store } from '../core/types.ts'
import type { ResourceStore } from './resource.ts'

export function perHub<Value>(make: (hub: HubCore, id: string) => ResourceStore<Value>) {
  const sets = new WeakMap<HubCore, SharedByCount<Value, ResourceStore<Value>>>()
  return (hub: HubCore, id: string): Store<Value> => {
    const set = sets.get(hub) ?? sharedByCount((key: string) => make(hub, key), hub.clock)
    sets.set(hub, set)
    return set.of(id)
  }
}
