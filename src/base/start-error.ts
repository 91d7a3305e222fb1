/** A server that cannot start for a reason that operators can mend, and that is no fault of a setting. Exit code 1. */
export class StartError extends Error {
  override readonly name: string = 'StartError'
}
