import * as z from 'zod'
import { boardEdit, newBoard } from '../../shared/src/inputs/boards.ts'
import { createBoard, deleteBoard, getBoardWithState, listBoards, updateBoard } from '../domain/boards.ts'
import type { Api } from './api.ts'
import { pageLimit } from './paging.ts'

export function registerBoards(api: Api): void {
  api.get('/boards', { query: z.object({ limit: pageLimit }) }, async ({ sql, query }) => ({
    boards: await listBoards(sql, query.limit),
  }))
  api.get('/boards/:id', {}, async ({ sql, params, cursor }) => ({
    ...(await getBoardWithState(sql, params.id)),
    cursor,
  }))
  api.mutate('post', '/boards', { status: 201, body: newBoard }, (tx, { body }) => createBoard(tx, body))
  api.mutate('patch', '/boards/:id', { status: 200, body: boardEdit }, (tx, { params, body }) =>
    updateBoard(tx, params.id, body),
  )
  api.mutate('delete', '/boards/:id', { status: 204 }, async (tx, { params }) => {
    await deleteBoard(tx, params.id)
    return undefined
  })
}
