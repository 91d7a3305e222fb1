/** A promise, and the function that resolves it. */
export interface Gate {
  readonly promise: Promise<void>
  resolve(): void
}

export function gate(): Gate {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve: () => resolve() }
}
