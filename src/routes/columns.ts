import { columnEdit, newColumn } from '../../shared/src/inputs/boards.ts'
import { createColumn, deleteColumn, updateColumn } from '../domain/columns.ts'
import type { Api } from './api.ts'
import { channelOf } from './rights.ts'
import { boardOfColumn } from './things.ts'

export function registerColumns(api: Api): void {
  api.mutate(
    'post',
    '/boards/:id/columns',
    { status: 201, right: channelOf('board'), body: newColumn },
    (tx, { params, body }) => createColumn(tx, params.id, body),
  )
  api.mutate('patch', '/columns/:id', { status: 200, right: boardOfColumn, body: columnEdit }, (tx, { params, body }) =>
    updateColumn(tx, params.id, body),
  )
  api.mutate('delete', '/columns/:id', { status: 204, right: boardOfColumn }, async (tx, { params }) => {
    await deleteColumn(tx, params.id)
    return undefined
  })
}
