/**
 * What a mutation may reveal. A body may refer to other things by their ids, and whoever sends it must not learn whether a
 * thing exists that they may not see: a reference to one is refused in the words for an unknown id.
 */

/** Whether things that show on the channel may be known to exist. */
export type Knows = (channel: string) => boolean

/** For callers that were checked before, or that act for nobody. */
export const KNOWS_ALL: Knows = () => true
