import { channelName } from '../../shared/src/channels.ts'
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
import type { Knows } from './knows.ts'

/** An error sentence names at most this many cards. */
const NAMED = 5

/**
 * The cards that a card of the board will depend on, without duplicates. Throws `validation_failed`, which lists each id
 * that is not a card of the board, or that `isKnown` says must not be known to be one.
 */
export async function resolveDependencies(
  sql: Sql,
  boardId: string,
  ids: readonly string[],
  isKnown: (id: string) => boolean = () => true,
): Promise<Dependency[]> {
  const found = new Map<string, Dependency>()
  const errors: FieldError[] = []
  for (const [index, id] of ids.entries()) {
    if (found.has(id)) continue
    const dependency = isKnown(id) ? await findDependency(sql, boardId, id) : undefined
    if (dependency) found.set(id, dependency)
    else errors.push({ path: `dependsOn.${index}`, message: 'is not a card of this board' })
  }
  if (errors.length > 0) {
    const detail = errors.slice(0, NAMED).map(({ path, message }) => `${path} ${message}.`)
    throw new Problem('validation_failed', detail.join(' '), { errors })
  }
  return [...found.values()]
}

/**
 * Like `resolveDependencies`, for an existing card: drops the card itself and throws `dependency_cycle` for a cycle. Whoever
 * knows the card knows what it depends on already.
 */
export async function resolveNewDependencies(
  sql: Sql,
  card: Card,
  ids: readonly string[],
  knows: Knows,
): Promise<Dependency[]> {
  const knowsBoard = knows(channelName('board', card.boardId))
  const isKnown = (id: string) => knowsBoard || card.dependsOn.includes(id) || knows(channelName('issue', id))
  const resolved = await resolveDependencies(sql, card.boardId, ids, isKnown)
  const dependencies = resolved.filter(({ id }) => id !== card.id)
  const added = dependencies.filter(({ id }) => !card.dependsOn.includes(id))
  if (added.length === 0) return dependencies
  const edges = edgesByCard(await listDependenciesOfBoard(sql, card.boardId))
  for (const dependency of added) {
    const path = shortestPath(dependency, card.id, edges)
    if (path) throw cycle(card, knowsBoard ? path : [dependency], `dependsOn.${ids.indexOf(dependency.id)}`)
  }
  return dependencies
}

/** Throws `blocked_by_dependencies` when the card is blocked. `action` completes the sentence, such as `enter Doing`. */
export async function refuseBlocked(sql: Sql, card: Card, action: string): Promise<void> {
  if (card.blocked) refuseOpen(await listDependencies(sql, card.id), `${card.ticketKey} cannot ${action}`)
}

/** Throws `blocked_by_dependencies` when one of the dependencies is open. `consequence` begins the sentence. */
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

/** The shortest path along dependencies from `start` to the card, both included; null when there is none. */
function shortestPath(
  start: Dependency,
  cardId: string,
  edges: ReadonlyMap<string, readonly Dependency[]>,
): readonly Dependency[] | null {
  const cameFrom = new Map<string, Dependency | null>([[start.id, null]])
  const queue = [start]
  for (const current of queue) {
    if (current.id === cardId) {
      const path: Dependency[] = []
      for (let step: Dependency | null = current; step; step = cameFrom.get(step.id) ?? null) path.unshift(step)
      return path
    }
    for (const next of edges.get(current.id) ?? []) {
      if (cameFrom.has(next.id)) continue
      cameFrom.set(next.id, current)
      queue.push(next)
    }
  }
  return null
}

/** `cards`: those along the cycle that may be named; the first is the one that was added. */
function cycle(card: Card, cards: readonly Dependency[], path: string): Problem {
  const chain = cards.map(({ ticketKey }) => ticketKey).join(', which waits for ')
  const message = `makes a cycle: ${card.ticketKey} would wait for ${chain}`
  return new Problem('dependency_cycle', `${path} ${message}. Leave ${cards[0]?.ticketKey} out.`, {
    errors: [{ path, message }],
  })
}
