/** A YAML file whose parts know where they stand, and what is wrong with it, sentence by sentence. */
import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml'
import { nearest } from '../../text/nearest.ts'

/** What is wrong with a scenario. Each line of `message` begins with `FILE:LINE:COLUMN: `. */
export class ScenarioFault extends Error {
  override readonly name = 'ScenarioFault'
}

export interface Field {
  readonly key: string
  /** Where the key and the value begin, as offsets in the file. */
  readonly keyAt: number
  readonly value: Node | null
  readonly valueAt: number
}

export class YamlSource {
  readonly file: string
  readonly #text: string
  readonly #lines = new LineCounter()
  readonly #document
  readonly #faults: Array<{ readonly at: number; readonly text: string }> = []

  constructor(text: string, file: string) {
    this.file = file
    this.#text = text
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false })
    for (const { pos, message } of this.#document.errors) this.fault(pos[0], message)
    this.#refuseLoops(this.#document.contents, new Set())
  }

  /** An alias inside the node that it names would never end. Throws a ScenarioFault. */
  #refuseLoops(node: unknown, above: ReadonlySet<string>): void {
    if (isAlias(node)) {
      if (!above.has(node.source)) return
      this.fault(startOf(node), `*${node.source} is inside of &${node.source}, which it names`)
      this.finish()
    } else if (isMap(node) || isSeq(node)) {
      const within = node.anchor === undefined ? above : new Set([...above, node.anchor])
      for (const item of node.items) {
        if (isPair(item)) {
          this.#refuseLoops(item.key, within)
          this.#refuseLoops(item.value, within)
        } else this.#refuseLoops(item, within)
      }
    }
  }

  get root(): Node | null {
    return this.#document.contents
  }

  fault(at: number, message: string): void {
    const { line, col } = this.#lines.linePos(Math.min(at, this.#text.length))
    this.#faults.push({ at, text: `${this.file}:${Math.max(line, 1)}:${Math.max(col, 1)}: ${message}` })
  }

  /** Throws a ScenarioFault if there were any faults. */
  finish(): void {
    if (this.#faults.length === 0) return
    const sorted = this.#faults.toSorted((a, b) => a.at - b.at)
    throw new ScenarioFault([...new Set(sorted.map(({ text }) => text))].join('\n'))
  }

  lineOf(at: number): number {
    return this.#lines.linePos(at).line
  }

  /** The fields of a mapping, without those that are not `known`. */
  fields(node: Node | null, known: readonly string[], what: string): Field[] {
    return this.anyFields(node, what).filter(({ key, keyAt }) => {
      if (known.includes(key)) return true
      this.fault(keyAt, `${what} has no key "${key}"; did you mean "${nearest(key, known)}"?`)
      return false
    })
  }

  anyFields(node: Node | null, what: string): Field[] {
    const map = this.resolved(node)
    if (!isMap(map)) {
      this.fault(startOf(node), `${what} must be a mapping`)
      return []
    }
    return (map as YAMLMap<Node, Node | null>).items.flatMap((pair) => this.#field(pair))
  }

  items(node: Node | null, what: string): Node[] {
    const list = this.resolved(node)
    if (isSeq(list)) return list.items as Node[]
    this.fault(startOf(node), `${what} must be a list`)
    return []
  }

  /** A scalar's value: a text, number, boolean or null; undefined for anything else. */
  scalar(node: Node | null): unknown {
    const resolved = this.resolved(node)
    if (resolved === null) return null
    return isScalar(resolved) ? resolved.value : undefined
  }

  /** As JSON. */
  json(node: Node | null): unknown {
    return node === null ? null : node.toJS(this.#document)
  }

  resolved(node: Node | null): Node | null {
    return isAlias(node) ? (node.resolve(this.#document) ?? null) : node
  }

  /** Where a character of a scalar's text stands, if the text stands in the file as it is; otherwise where it begins. */
  within(node: Node | null, text: string, offset: number): number {
    const start = startOf(node)
    const quoted = /["']/.test(this.#text[start] ?? '') ? 1 : 0
    return this.#text.startsWith(text, start + quoted) ? start + quoted + offset : start
  }

  #field({ key, value }: Pair<Node, Node | null>): Field[] {
    const name = this.scalar(key)
    if (name === undefined || name === null) {
      this.fault(startOf(key), 'a key must be a text')
      return []
    }
    const keyAt = startOf(key)
    return [{ key: String(name), keyAt, value, valueAt: value === null ? keyAt : startOf(value) }]
  }
}

export function startOf(node: Node | null): number {
  return node?.range?.[0] ?? 0
}
