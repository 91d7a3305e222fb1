/** Names in which `*` stands for any characters: `card.*`, `*.failed`. */

/** An option may be repeated, and each value may hold commas. Empty names are ignored. */
export function listOf(values: readonly string[] = []): string[] {
  return values
    .flatMap((value) => value.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '')
}

/** Whether a name fits one of the globs. */
export function globs(patterns: readonly string[]): (name: string) => boolean {
  const tests = patterns.map((pattern) => new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`, 's'))
  return (name) => tests.some((test) => test.test(name))
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
