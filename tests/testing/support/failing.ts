/** The message of an assertion that fails, with everything that differs from run to run replaced. */
export async function failing(assertion: Promise<unknown>): Promise<string> {
  const error = await assertion.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Error)) throw new Error('the assertion has not failed')
  return error.message
    .replace(/\b[0-9a-f]{8}-(\d+)\b/g, 'ID-$1')
    .replace(/\d\d:\d\d:\d\d\.\d{3}/g, 'TIME')
    .replace(/127\.0\.0\.1:\d+/g, 'SERVER')
    .replace(/(crd|col|att)_[0-9a-f-]{36}/g, '$1_…')
    .replace(/after \d+\.\d s/, 'after 0.0 s')
}
