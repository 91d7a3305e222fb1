/**
 * The mark of an epoch whose log went back: some node had published more than the database has now. It is stored with the
 * epoch, so that every node, and one that starts, finds it in the transaction in which it reads the epoch. Only a new epoch
 * ends it: otherwise numbers that clients have seen would be given to other events.
 */
const MARK = '!'

export function asLost(epoch: string): string {
  return epoch + MARK
}

export function isLost(epoch: string): boolean {
  return epoch.endsWith(MARK)
}

/** Without the mark, as it is in cursors. */
export function plainEpoch(epoch: string): string {
  return isLost(epoch) ? epoch.slice(0, -MARK.length) : epoch
}
