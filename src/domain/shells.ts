/** Terminals, and what they print, which lives in the event log and nowhere else. */
import { channelName } from '../../shared/src/channels.ts'
import { formatCursor } from '../../shared/src/cursor.ts'
import type { Shell, ShellChunk } from '../../shared/src/types/shells.ts'
import { invalidField, Problem } from '../base/errors.ts'
import { findAttemptPlace } from '../db/rows/attempts.ts'
import { findShell, findShellPlace, insertShell, type ShellPlace, saveShell } from '../db/rows/shells.ts'
import type { Snapshot } from '../db/snapshot.ts'
import type { Sql } from '../db/sql.ts'
import type { Tx } from '../db/store.ts'
import { checkBoardNamed } from './boards.ts'
import { newId } from './ids.ts'
import { type PageAsked, positionNow, readLogPage } from './log-pages.ts'

export { listShells } from '../db/rows/shells.ts'

const OUTPUT = 'shell.output'

export interface NewShell {
  /** A client's own; made here when it is not given. */
  readonly id?: string | undefined
  /** That of the attempt when it is not given. */
  readonly boardId?: string | null | undefined
  readonly attemptId?: string | null | undefined
  readonly command?: string | null | undefined
}

export interface ShellOutput {
  /** `ts` is the time of arrival. */
  readonly chunks: ReadonlyArray<ShellChunk & { readonly id: string; readonly ts: string }>
  /** What to give as the next `after`. */
  readonly cursor: string
  /** There are, or may be, chunks after `cursor`. */
  readonly more: boolean
}

/** Throws `shell_not_found`. */
export async function getShell(sql: Sql, id: string): Promise<Shell> {
  const shell = await findShell(sql, id)
  if (!shell) throw notFound(id)
  return shell
}

/** `conflict` when the id is taken. */
export async function createShell(tx: Tx, given: NewShell): Promise<Shell> {
  const id = given.id ?? newId('shl')
  if (await findShell(tx.sql, id)) throw new Problem('conflict', `There is a shell ${id} already. Choose another id.`)
  const shell: Shell = {
    id,
    boardId: await boardOf(tx.sql, given),
    attemptId: given.attemptId ?? null,
    command: given.command ?? null,
    status: 'open',
    exitCode: null,
  }
  await insertShell(tx.sql, shell, positionNow(tx))
  tx.emit('shell.created', { ...aboutOf(await getPlace(tx.sql, id)), shellId: id, command: shell.command })
  return shell
}

/**
 * Appends chunks in their order and resolves to how many. They may come after the exit: what a process flushes last
 * arrives last. Hot: one look-up a call, nothing is awaited per chunk.
 */
export async function appendShellOutput(tx: Tx, id: string, chunks: readonly ShellChunk[]): Promise<number> {
  const about = aboutOf(await getPlace(tx.sql, id))
  for (const { data } of chunks) tx.emit(OUTPUT, { ...about, shellId: id, data })
  return chunks.length
}

/** Throws `shell_not_found`; `bad_request` for an `after` that is no id of this log. */
export async function readShellOutput(snapshot: Snapshot, id: string, asked: PageAsked): Promise<ShellOutput> {
  const { sinceSeq: since } = await getPlace(snapshot.sql, id)
  const printed = { channel: channelName('shell', id), types: [OUTPUT], since } as const
  const { events, cursor, more } = await readLogPage(snapshot, printed, asked)
  const chunks = events.map(({ seq, at, payload }) => {
    const { data } = payload as ShellChunk
    return { id: formatCursor(snapshot.epoch, seq), data, ts: new Date(at).toISOString() }
  })
  return { chunks, cursor, more }
}

/** `code` is null when a signal ended the command. Throws `invalid_transition` when the shell has exited. */
export async function exitShell(tx: Tx, id: string, code: number | null): Promise<Shell> {
  const shell = await getShell(tx.sql, id)
  if (shell.status === 'exited') {
    throw new Problem('invalid_transition', 'The status of this shell cannot go from exited to exited: it exits once.')
  }
  const exited: Shell = { ...shell, status: 'exited', exitCode: code }
  await saveShell(tx.sql, exited)
  tx.emit('shell.exit', { ...aboutOf(await getPlace(tx.sql, id)), shellId: id, code })
  return exited
}

/** Says it to everyone who listens; the shell stays as it is. Resolves to what listeners are shown. */
export async function tellShellError(tx: Tx, id: string, error: string): Promise<object> {
  const shown = { shellId: id, error }
  tx.emit('shell.error', { ...aboutOf(await getPlace(tx.sql, id)), ...shown })
  return shown
}

/** Throws `validation_failed` for a board that is not there, and for an attempt that is not on it. */
async function boardOf(sql: Sql, { boardId = null, attemptId = null }: NewShell): Promise<string | null> {
  await checkBoardNamed(sql, boardId)
  if (attemptId === null) return boardId
  const place = await findAttemptPlace(sql, attemptId)
  if (!place) throw invalidField('attemptId', 'is not the id of an attempt')
  if (boardId !== null && place.boardId !== boardId) {
    throw invalidField('attemptId', 'is not the id of an attempt on this board')
  }
  return place.boardId
}

async function getPlace(sql: Sql, id: string): Promise<ShellPlace> {
  const place = await findShellPlace(sql, id)
  if (!place) throw notFound(id)
  return place
}

function notFound(id: string): Problem {
  return new Problem('shell_not_found', `There is no shell ${id}. Make it with POST /shells.`)
}

function aboutOf({ boardId, cardId, attemptId, agentId }: Omit<ShellPlace, 'sinceSeq'>) {
  return {
    boardId: boardId ?? undefined,
    cardId: cardId ?? undefined,
    attemptId: attemptId ?? undefined,
    agentId: agentId ?? undefined,
  }
}
