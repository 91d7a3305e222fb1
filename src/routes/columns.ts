import { columnEdit, newColumn } from '../../shared/src/inputs/boards.ts'
import { column } from '../../shared/src/types/kanban.ts'
import { createColumn, deleteColumn, updateColumn } from '../domain/columns.ts'
import type { Api } from './api.ts'
import { exampleColumn } from './examples.ts'
import { channelOf } from './rights.ts'
import { boardOfColumn } from './things.ts'

export function registerColumns(api: Api): void {
  api.mutate(
    'post',
    '/boards/:boardId/columns',
    {
      operationId: 'createColumn',
      tag: 'Columns',
      summary: 'Adds a column to a board.',
      status: 201,
      right: channelOf('board', 'boardId'),
      body: newColumn,
      answer: column,
      example: { body: { title: 'QA', key: 'qa', index: 1 }, answer: exampleColumn },
      errors: ['board_not_found', 'conflict'],
      emits: ['column.created'],
    },
    (tx, { params, body }) => createColumn(tx, params.boardId, body),
  )
  api.mutate(
    'patch',
    '/columns/:columnId',
    {
      operationId: 'updateColumn',
      tag: 'Columns',
      summary: 'Changes the title, the key or the index of a column.',
      status: 200,
      right: boardOfColumn,
      body: columnEdit,
      answer: column,
      example: { body: { title: 'Quality' }, answer: { ...exampleColumn, title: 'Quality' } },
      errors: ['column_not_found', 'conflict'],
      emits: ['column.updated'],
    },
    (tx, { params, body }) => updateColumn(tx, params.columnId, body),
  )
  api.mutate(
    'delete',
    '/columns/:columnId',
    {
      operationId: 'deleteColumn',
      tag: 'Columns',
      summary: 'Deletes an empty column.',
      status: 204,
      right: boardOfColumn,
      example: {},
      errors: ['column_not_found', 'column_not_empty', 'conflict'],
      emits: ['column.deleted'],
    },
    async (tx, { params }) => {
      await deleteColumn(tx, params.columnId)
      return undefined
    },
  )
}
