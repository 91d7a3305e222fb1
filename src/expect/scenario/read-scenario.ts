/** Scenarios as YAML files. */
import type { Node } from 'yaml'
import { isSeq } from 'yaml'
import { parseChannel, parseChannelWithView } from '../../../shared/src/channels.ts'
import { parseCursor } from '../../../shared/src/cursor.ts'
import { parseDuration } from '../../text/duration.ts'
import { listOf } from '../../text/glob.ts'
import { nearest } from '../../text/nearest.ts'
import { equals } from '../conditions/comparison.ts'
import { type Condition, compares } from '../conditions/condition.ts'
import { parsePath } from '../conditions/path.ts'
import { SyntaxFault } from '../conditions/syntax-fault.ts'
import { type Count, NONE, parseCount } from './count.ts'
import { type Expectation, expectation, ORDERS, type Order, type Save, type Scenario, save } from './scenario.ts'
import { type Environment, parseTemplate, plainText, type Reading } from './template.ts'
import { readWhere } from './where.ts'
import { type Field, startOf, YamlSource } from './yaml-source.ts'

const KEYS = [
  ...['name', 'board', 'channels', 'since', 'within', 'settle', 'order', 'only', 'run', 'expect', 'never'],
] as const
const STEP_KEYS = ['name', 'type', 'channel', 'where', 'count', 'save'] as const
const NEVER_KEYS = ['name', 'type', 'channel', 'where'] as const

const CHANNEL = parsePath('@channel')

/** `file` is the name for messages and reports. Throws a ScenarioFault with everything that is wrong. */
export function readScenario(text: string, file: string, environment: Environment): Scenario {
  const source = new YamlSource(text, file)
  const scenario = new ScenarioReader(source, environment).read()
  source.finish()
  return scenario
}

class ScenarioReader {
  readonly #source: YamlSource
  readonly #environment: Environment

  constructor(source: YamlSource, environment: Environment) {
    this.#source = source
    this.#environment = environment
  }

  read(): Scenario {
    const source = this.#source
    const fields = new Map(source.fields(source.root, KEYS, 'a scenario').map((field) => [field.key, field]))
    const order = this.#order(fields.get('order'))
    const saved: string[] = []
    const steps = this.#steps(fields.get('expect')).map((node) => this.#step(node, saved, order))
    const never = this.#steps(fields.get('never')).map((node) => this.#absence(node, saved))
    if (!fields.has('expect') && !fields.has('never')) {
      source.fault(startOf(source.root), 'there is nothing to expect: add expect or never')
    }
    const optional = {
      board: this.#text(fields.get('board')),
      channels: this.#channels(fields.get('channels'), fields.get('board')),
      since: this.#since(fields.get('since')),
      withinMs: this.#duration(fields.get('within')),
      settleMs: this.#duration(fields.get('settle')),
      run: this.#text(fields.get('run'), { allowsBraces: true }),
    }
    return {
      name: this.#text(fields.get('name')) ?? source.file,
      file: source.file,
      order,
      only: this.#only(fields.get('only'), order),
      expectations: [...steps, ...never].filter((step) => step !== undefined),
      ...(Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)) as Partial<Scenario>),
    }
  }

  #steps(field: Field | undefined): Node[] {
    if (!field) return []
    const items = this.#source.items(field.value, field.key)
    if (items.length === 0) this.#source.fault(field.valueAt, `${field.key} needs at least one step`)
    return items
  }

  #step(node: Node, saved: string[], order: Order): Expectation | undefined {
    const fields = this.#source.fields(node, STEP_KEYS, 'a step of expect')
    const count = this.#count(fields.find(({ key }) => key === 'count'))
    const saves = this.#saves(
      fields.find(({ key }) => key === 'save'),
      order,
    )
    const step = this.#expectation(node, fields, saved, { count, saves })
    saved.push(...saves.map(({ name }) => name))
    return step
  }

  #absence(node: Node, saved: readonly string[]): Expectation | undefined {
    const fields = this.#source.fields(node, NEVER_KEYS, 'a step of never')
    return this.#expectation(node, fields, saved, { count: NONE })
  }

  #expectation(
    node: Node,
    fields: readonly Field[],
    saved: readonly string[],
    parts: { readonly count: Count | undefined; readonly saves?: readonly Save[] },
  ): Expectation | undefined {
    const field = (key: string) => fields.find((one) => one.key === key)
    const type = this.#type(field('type'), node)
    const where = field('where')
    const scope = { source: this.#source, environment: this.#environment, saved }
    const conditions = [...this.#channel(field('channel')), ...(where ? readWhere(where.value, scope) : [])]
    const name = this.#text(field('name'))
    if (type === undefined) return undefined
    const place = { file: this.#source.file, line: this.#source.lineOf(startOf(node)) }
    return expectation({ ...parts, name, type, conditions, place })
  }

  #type(field: Field | undefined, step: Node): string | undefined {
    if (!field) {
      this.#source.fault(startOf(step), 'a step needs a type')
      return undefined
    }
    const globs = this.#texts(field)
    if (globs.length === 0) this.#source.fault(field.valueAt, 'type is empty')
    return globs.length === 0 ? undefined : globs.join(',')
  }

  #channel(field: Field | undefined): Condition[] {
    const text = this.#text(field)
    if (!field || text === undefined) return []
    const channel = text === '*' ? { name: '*' } : parseChannel(text)
    if (!channel) this.#source.fault(field.valueAt, notAChannel(text))
    return channel ? [compares(CHANNEL, equals(channel.name))] : []
  }

  #channels(field: Field | undefined, board: Field | undefined): string[] | undefined {
    if (!field) return undefined
    if (board) this.#source.fault(field.keyAt, 'use either board or channels')
    const names = this.#texts(field)
    for (const name of names) {
      if (!parseChannelWithView(name)) this.#source.fault(field.valueAt, notAChannel(name))
    }
    return names
  }

  #order(field: Field | undefined): Order {
    const text = this.#text(field)
    const order = ORDERS.find((known) => known === text)
    if (field && text !== undefined && !order) {
      this.#source.fault(field.valueAt, `there is no order "${text}"; did you mean "${nearest(text, ORDERS)}"?`)
    }
    return order ?? 'subset'
  }

  #only(field: Field | undefined, order: Order): string[] {
    if (!field) return []
    if (order !== 'exact') this.#source.fault(field.keyAt, 'only belongs to order: exact')
    return this.#texts(field)
  }

  #since(field: Field | undefined): string | undefined {
    const text = this.#text(field)
    if (field && text !== undefined && !parseCursor(text)) {
      this.#source.fault(field.valueAt, `"${text}" is not the id of an event, such as 7e1f00aa-104`)
    }
    return text
  }

  #duration(field: Field | undefined): number | undefined {
    const text = this.#text(field)
    const ms = text === undefined ? undefined : parseDuration(text)
    if (field && text !== undefined && ms === undefined) {
      this.#source.fault(field.valueAt, `${field.key}: "${text}" is not a duration, such as 250ms, 10s or 5m`)
    }
    return ms
  }

  #count(field: Field | undefined): Count | undefined {
    const text = this.#text(field)
    const count = text === undefined ? undefined : parseCount(text)
    if (field && typeof count === 'string') this.#source.fault(field.valueAt, `count: "${text}" ${count}`)
    return typeof count === 'string' ? undefined : count
  }

  #saves(field: Field | undefined, order: Order): Save[] {
    if (!field) return []
    if (order === 'any') this.#source.fault(field.keyAt, 'save needs an order: subset or exact')
    return this.#source.anyFields(field.value, 'save').flatMap((one) => {
      if (!/^[A-Za-z_]\w*$/.test(one.key)) {
        this.#source.fault(one.keyAt, `"${one.key}" cannot be a name: use letters, digits and _`)
        return []
      }
      const text = this.#text(one)
      return text === undefined ? [] : this.#save(one, text)
    })
  }

  #save({ key, value }: Field, text: string): Save[] {
    try {
      return [save(key, parsePath(text))]
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error
      this.#source.fault(this.#source.within(value, text, error.offset), `the path ${text}: ${error.message}`)
      return []
    }
  }

  /** A text, or a list of them; each may hold commas. */
  #texts(field: Field): string[] {
    const isList = isSeq(this.#source.resolved(field.value))
    const nodes = isList ? this.#source.items(field.value, field.key) : [field.value]
    return listOf(nodes.flatMap((value) => this.#text({ ...field, value, valueAt: startOf(value) }) ?? []))
  }

  #text(field: Field | undefined, reading?: Reading): string | undefined {
    if (!field) return undefined
    const value = this.#source.scalar(field.value)
    if (typeof value === 'number') return String(value)
    if (typeof value !== 'string' || value === '') {
      this.#source.fault(field.valueAt, `${field.key} must be a text`)
      return undefined
    }
    try {
      return plainText(parseTemplate(value, this.#environment, reading))
    } catch (error) {
      if (!(error instanceof SyntaxFault)) throw error
      this.#source.fault(this.#source.within(field.value, value, error.offset), error.message)
      return undefined
    }
  }
}

function notAChannel(text: string): string {
  return `"${text}" is not a channel, such as board:demo, topic:deploys or global`
}
