/** Finds the SQL in source text, and what in it only one of SQLite and PostgreSQL understands. */

interface Refused {
  readonly pattern: RegExp
  /** What to write in its place. */
  readonly instead: string
}

/** In the order of the table in docs/adding.md. */
const REFUSED: readonly Refused[] = [
  { pattern: /\b(?:INSERT\s+OR|REPLACE\s+INTO)\b/i, instead: 'ON CONFLICT' },
  { pattern: /\b(?:rowid|oid|_rowid_|last_insert_rowid)\b/i, instead: 'a column of its own' },
  { pattern: /\b(?:max|min)\s*\((?:[^()]|\([^()]*\))*,/i, instead: 'CASE' },
  { pattern: /\b(?:ifnull|iif|nvl)\s*\(/i, instead: 'coalesce or CASE' },
  { pattern: /\bIS\s+(?:NOT\s+)?(?!NULL\b|NOT\b|DISTINCT\b)\S/i, instead: 'IS NOT DISTINCT FROM' },
  { pattern: /==/, instead: '=' },
  { pattern: /\b(?:sum|avg|max|min)\s*\([^()]*[=<>][^()]*\)/i, instead: 'FILTER (WHERE ...) or CASE' },
  { pattern: /\b(?:LIKE|GLOB|REGEXP|MATCH|ILIKE|SIMILAR)\b/i, instead: 'a range' },
  { pattern: /\b(?:INDEXED\s+BY|NOT\s+INDEXED|unlikely\s*\(|likelihood\s*\()/i, instead: 'an index that fits' },
  { pattern: /\b(?:WHERE|AND|OR|ON|BY)\s+\+\s*\w/i, instead: 'an index that fits' },
  {
    pattern:
      /\b(?:strftime|datetime|julianday|unixepoch|to_char|extract|json_\w+|group_concat|string_agg|printf|format|total|instr|strpos|typeof|hex|quote|random)\s*\(/i,
    instead: 'TypeScript',
  },
  // Text is encoded in the rows of PostgreSQL, and SQLite ends it at NUL.
  {
    pattern: /\b(?:substr(?:ing)?|length|char_length|lower|upper|[lr]?trim|replace|overlay|reverse|concat)\s*\(|\|\|/i,
    instead: 'TypeScript',
  },
  { pattern: /\bLIMIT\s+(?:-|\?\s*,|\d+\s*,|ALL\b)/i, instead: 'LIMIT ... OFFSET' },
  { pattern: /`/, instead: 'plain names' },
  { pattern: /::\s*\w+/, instead: 'CAST' },
  { pattern: /\bCOLLATE\b/i, instead: 'the order of the column, which is by bytes' },
  {
    pattern:
      /\b(?:AUTOINCREMENT|WITHOUT\s+ROWID|STRICT|SERIAL|BIGSERIAL|JSONB?|BLOB|BYTEA|BOOLEAN|DATETIME|TIMESTAMP\w*)\b/,
    instead: 'INTEGER, BIGINT or TEXT',
  },
  { pattern: /\b(?:PRAGMA|ATTACH|VACUUM|ANALYZE|LISTEN|NOTIFY|FOR\s+UPDATE|BEGIN|COMMIT)\b/, instead: 'the driver' },
  { pattern: /\$\d/, instead: '?' },
]

const STATEMENT =
  /\b(?:SELECT|FROM|WHERE|INSERT\s+INTO|INSERT\s+OR|UPDATE|DELETE|ORDER\s+BY|GROUP\s+BY|JOIN|VALUES|ON\s+CONFLICT|CREATE|ALTER|DROP|PRAGMA|REPLACE\s+INTO|COALESCE|LIMIT)\b/

/** What is refused in a source file, one sentence for each. */
export function sqlFaults(path: string, code: string): string[] {
  return literalsIn(code)
    .filter((literal) => STATEMENT.test(literal))
    .flatMap((literal) => faultsOf(literal).map((fault) => `${path}: ${fault} in ${excerpt(literal)}`))
}

function faultsOf(sql: string): string[] {
  // What stands in quotes is a value.
  const text = sql.replaceAll(/'[^']*'/g, "''")
  const faults = REFUSED.flatMap(({ pattern, instead }) => {
    const found = pattern.exec(text)?.[0]
    return found === undefined ? [] : [`"${found.trim()}" is not common to SQLite and PostgreSQL (write ${instead})`]
  })
  return namelessSubselect(text) ? [...faults, 'a sub-select in FROM has no name'] : faults
}

/** Whether some `FROM (SELECT ...)` or `JOIN (SELECT ...)` is not followed by a name. */
function namelessSubselect(sql: string): boolean {
  for (const found of sql.matchAll(/\b(?:FROM|JOIN)\s*\(/gi)) {
    const open = sql.indexOf('(', found.index)
    let depth = 0
    for (let at = open; at < sql.length; at++) {
      if (sql[at] === '(') depth += 1
      if (sql[at] === ')') depth -= 1
      if (depth > 0) continue
      if (!/^\s*(?:AS\s+)?(?!WHERE\b|ORDER\b|GROUP\b|LIMIT\b|ON\b|UNION\b|JOIN\b)\w/i.test(sql.slice(at + 1)))
        return true
      break
    }
  }
  return false
}

function excerpt(sql: string): string {
  const line = sql.replaceAll(/\s+/g, ' ').trim()
  return line.length > 80 ? `${line.slice(0, 77)}...` : line
}

/** The texts of all string and template literals; `x` stands for what a template puts in. */
export function literalsIn(code: string): string[] {
  const literals: string[] = []
  let at = 0
  /** Reads up to the end of the code, or to the brace that ends an expression in a template. */
  function readCode(): void {
    for (let depth = 0; at < code.length; at++) {
      const rest = code.slice(at, at + 2)
      const mark = code[at]
      if (rest === '//') at = endOf('\n')
      else if (rest === '/*') at = endOf('*/') + 1
      else if (mark === "'" || mark === '"') readString(mark)
      else if (mark === '`') readTemplate()
      else if (mark === '{') depth += 1
      else if (mark === '}') {
        if (depth === 0) return
        depth -= 1
      }
    }
  }
  function endOf(text: string): number {
    const end = code.indexOf(text, at + 1)
    return end < 0 ? code.length : end
  }
  function readString(quote: string): void {
    const start = at
    for (at += 1; at < code.length && code[at] !== quote; at++) if (code[at] === '\\') at += 1
    literals.push(code.slice(start + 1, at))
  }
  function readTemplate(): void {
    let text = ''
    for (at += 1; at < code.length && code[at] !== '`'; at++) {
      if (code[at] === '$' && code[at + 1] === '{') {
        at += 2
        readCode()
        text += 'x'
      } else {
        if (code[at] === '\\') at += 1
        text += code[at]
      }
    }
    literals.push(text)
  }
  readCode()
  return literals
}
