/** A server that cannot start for a reason that operators can fix, and that is not a wrong setting. Exit code 1. */
export class StartError extends Error {
  override readonly name: string = 'StartError'
}
