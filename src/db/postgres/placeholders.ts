/** Queries as PostgreSQL takes them: `$1, $2, ...` in place of `?`, and a name by which a connection prepares them once. */

export interface PreparedQuery {
  readonly name: string
  readonly text: string
}

const prepared = new Map<string, PreparedQuery>()

/** The texts are those of this program, so their number is bounded. */
export function prepare(query: string): PreparedQuery {
  let known = prepared.get(query)
  if (!known) {
    known = { name: `q${prepared.size + 1}`, text: numbered(query) }
    prepared.set(query, known)
  }
  return known
}

function numbered(query: string): string {
  let count = 0
  // What stands in quotes is no parameter.
  return query.replace(/'[^']*'|\?/g, (found) => {
    if (found !== '?') return found
    count += 1
    return `$${count}`
  })
}
