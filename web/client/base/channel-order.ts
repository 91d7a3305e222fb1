/**
 * The order in which a stream names its channels. A connection gets an event once per name, on the channel that it named
 * first (docs/protocol.md, K6). In this order a frame's payload tells which later channels show it: a board before its
 * attempts; topics first, because events of a topic do not name it; `global`, which has whole payloads, before the
 * channels that it overlaps with.
 */
import type { ChannelKind } from '../../../shared/src/channels.ts'

const FIRST: readonly ChannelKind[] = ['topic', 'project', 'board', 'global']

/** Sorts channels into the order in which a stream must name them. */
export function inOrder(names: Iterable<string>): string[] {
  return [...names].sort((a, b) => placeInOrder(a) - placeInOrder(b) || (a < b ? -1 : 1))
}

/** Of a channel or a kind. */
export function placeInOrder(name: string): number {
  const at = FIRST.findIndex((kind) => name === kind || name.startsWith(`${kind}:`))
  return at < 0 ? FIRST.length : at
}
