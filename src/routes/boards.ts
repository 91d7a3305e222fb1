import * as z from 'zod'
import { channelName } from '../../shared/src/channels.ts'
import { boardEdit, newBoard } from '../../shared/src/inputs/boards.ts'
import { createBoard, deleteBoard, getBoardWithState, listBoards, updateBoard } from '../domain/boards.ts'
import type { Api } from './api.ts'
import { pageLimit } from './paging.ts'
import { ANY_SUBJECT, channelOf, type Need } from './rights.ts'

export function registerBoards(api: Api): void {
  api.get(
    '/boards',
    { right: ANY_SUBJECT, query: z.object({ limit: pageLimit }) },
    async ({ sql, query, subject }) => ({
      boards: await listBoards(sql, query.limit, subject.subscribe),
    }),
  )
  api.get('/boards/:id', { right: channelOf('board') }, async ({ sql, params, cursor }) => ({
    ...(await getBoardWithState(sql, params.id)),
    cursor,
  }))
  api.mutate(
    'post',
    '/boards',
    { status: 201, right: { by: 'body', needs: ({ id }) => [toCreateBoard(id)] }, body: newBoard },
    (tx, { body }) => createBoard(tx, body),
  )
  api.mutate(
    'patch',
    '/boards/:id',
    { status: 200, right: channelOf('board'), body: boardEdit },
    (tx, { params, body }) => updateBoard(tx, params.id, body),
  )
  api.mutate('delete', '/boards/:id', { status: 204, right: channelOf('board') }, async (tx, { params }) => {
    await deleteBoard(tx, params.id)
    return undefined
  })
}

/**
 * The server makes up an id for whoever may publish everywhere or on every board, which `board:*` matches. An id of the
 * client's choice needs the right to that board: the answer tells whether there is one.
 */
function toCreateBoard(id: string | undefined): Need {
  return id === undefined ? ['global', channelName('board', '')] : [channelName('board', id)]
}
