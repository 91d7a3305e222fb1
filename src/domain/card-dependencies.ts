import type { FieldError } from '../../shared/src/errors.ts'
import type { Card } from '../../shared/src/types/kanban.ts'
import { Problem } from '../base/errors.ts'
import {
  type Dependency,
  type DependencyEdge,
  findDependency,
  listDependencies,
  listDependenciesOfBoard,
} from '../db/rows/card-dependencies.ts'
import type { Sql } from '../db/sql.ts'

/** So many cards are named in a sentence. */
const NAMED = 5

/**
 * The cards that a new card of the board shall wait for: duplicates are dropped, `validation_failed` names each
 * that is not a card of the board.
 */
export async function resolveDependencies(sql: Sql, boardId: string, ids: readonly string[]): Promise<Dependency[]> {
  const found = new Map<string, Dependency>()
  const errors: FieldError[] = []
  for (const [index, id] of ids.entries()) {
    if (found.has(id)) continue
    const dependency = await findDependency(sql, boardId, id)
    if (dependency) found.set(id, dependency)
    else errors.push({ path: `dependsOn.${index}`, message: 'is not a card of this board' })
  }
  if (errors.length > 0) {
    const detail = errors.slice(0, NAMED).map(({ path, message }) => `${path} ${message}.`)
    throw new Problem('validation_failed', detail.join(' '), { errors })
  }
  return [...found.values()]
}

/** As resolveDependencies, for a card that exists: itself is dropped, and `dependency_cycle` refuses a circle. */
export async function resolveNewDependencies(sql: Sql, card: Card, ids: readonly string[]): Promise<Dependency[]> {
  const resolved = await resolveDependencies(sql, card.boardId, ids)
  const dependencies = resolved.filter(({ id }) => id !== card.id)
  const added = dependencies.filter(({ id }) => !card.dependsOn.includes(id))
  if (added.length === 0) return dependencies
  const waitsFor = edgesByCard(await listDependenciesOfBoard(sql, card.boardId))
  for (const dependency of added) {
    const way = wayTo(card.id, dependency, waitsFor)
    if (way) throw cycle(card, way, `dependsOn.${ids.indexOf(dependency.id)}`)
  }
  return dependencies
}

/** `blocked_by_dependencies` when a card waits for something that is not done. `what` it cannot do: `enter Doing`. */
export async function refuseBlocked(sql: Sql, card: Card, what: string): Promise<void> {
  if (card.blocked) refuseOpen(await listDependencies(sql, card.id), `${card.ticketKey} cannot ${what}`)
}

/** As refuseBlocked, for what the dependencies of a card are going to be. */
export function refuseOpen(dependencies: readonly Dependency[], consequence: string): void {
  const open = dependencies.filter((dependency) => dependency.open).map(({ ticketKey }) => ticketKey)
  if (open.length === 0) return
  const more = open.length > NAMED ? ` and ${open.length - NAMED} more` : ''
  const names = open.slice(0, NAMED).join(', ') + more
  throw new Problem(
    'blocked_by_dependencies',
    `${consequence}: it waits for ${names}. Move what it waits for to a done column, or take it out of dependsOn.`,
  )
}

function edgesByCard(edges: readonly DependencyEdge[]): ReadonlyMap<string, DependencyEdge[]> {
  const byCard = new Map<string, DependencyEdge[]>()
  for (const edge of edges) {
    const others = byCard.get(edge.cardId)
    if (others) others.push(edge)
    else byCard.set(edge.cardId, [edge])
  }
  return byCard
}

/** The shortest chain of waiting from `start` to the card, both included; null when there is none. */
function wayTo(
  cardId: string,
  start: Dependency,
  waitsFor: ReadonlyMap<string, readonly Dependency[]>,
): readonly Dependency[] | null {
  const cameFrom = new Map<string, Dependency | null>([[start.id, null]])
  const queue = [start]
  for (const current of queue) {
    if (current.id === cardId) {
      const way: Dependency[] = []
      for (let step: Dependency | null = current; step; step = cameFrom.get(step.id) ?? null) way.unshift(step)
      return way
    }
    for (const next of waitsFor.get(current.id) ?? []) {
      if (cameFrom.has(next.id)) continue
      cameFrom.set(next.id, current)
      queue.push(next)
    }
  }
  return null
}

function cycle(card: Card, way: readonly Dependency[], path: string): Problem {
  const chain = way.map(({ ticketKey }) => ticketKey).join(', which waits for ')
  const message = `makes a cycle: ${card.ticketKey} would wait for ${chain}`
  return new Problem('dependency_cycle', `${path} ${message}. Leave ${way[0]?.ticketKey} out.`, {
    errors: [{ path, message }],
  })
}
