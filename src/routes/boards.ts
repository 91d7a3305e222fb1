import * as z from 'zod'
import { exampleCursor, exampleIds } from '../../shared/src/catalogue/examples.ts'
import { channelName } from '../../shared/src/channels.ts'
import { boardEdit, newBoard } from '../../shared/src/inputs/boards.ts'
import { named } from '../../shared/src/names.ts'
import { cursor } from '../../shared/src/types/ids.ts'
import { board, boardState } from '../../shared/src/types/kanban.ts'
import { createBoard, deleteBoard, getBoardWithState, listBoards, updateBoard } from '../domain/boards.ts'
import type { Api } from './api.ts'
import { exampleBoard, exampleState } from './examples.ts'
import { pageLimit } from './paging.ts'
import { ANY_SUBJECT, channelOf, type Need } from './rights.ts'

const boardList = named('BoardList', z.strictObject({ boards: z.array(board) }))
const boardWithState = named('BoardWithState', z.strictObject({ board, state: boardState, cursor }))

const NEW_COLUMNS = exampleBoard.columns.map((column) => ({ ...column, cardIds: [] }))

export function registerBoards(api: Api): void {
  api.get(
    '/boards',
    {
      operationId: 'listBoards',
      tag: 'Boards',
      summary: 'Lists the boards.',
      right: ANY_SUBJECT,
      query: z.object({ limit: pageLimit }),
      answer: boardList,
      example: { answer: { boards: [exampleBoard] } },
      errors: [],
    },
    async ({ sql, query, subject }) => ({
      boards: await listBoards(sql, query.limit, subject.subscribe),
    }),
  )
  api.get(
    '/boards/:boardId',
    {
      operationId: 'getBoard',
      tag: 'Boards',
      summary: 'Reads a board and its state, both from one instant, with the cursor to listen from.',
      right: channelOf('board', 'boardId'),
      answer: boardWithState,
      example: { answer: { board: exampleBoard, state: exampleState, cursor: exampleCursor } },
      errors: ['board_not_found'],
    },
    async ({ sql, params, cursor }) => ({
      ...(await getBoardWithState(sql, params.boardId)),
      cursor,
    }),
  )
  api.mutate(
    'post',
    '/boards',
    {
      operationId: 'createBoard',
      tag: 'Boards',
      summary: 'Creates a board, with four columns unless others are given.',
      status: 201,
      right: {
        by: 'body',
        to: '`board:ID` of the `id` that is given; without one `board:*` or `global`',
        needs: ({ id }) => [toCreateBoard(id)],
      },
      body: newBoard,
      answer: board,
      example: {
        body: { id: exampleIds.board, name: 'Demo', columns: NEW_COLUMNS.map(({ title, key }) => ({ title, key })) },
        answer: { ...exampleBoard, columns: NEW_COLUMNS },
      },
      errors: ['conflict'],
      emits: ['board.created'],
    },
    (tx, { body }) => createBoard(tx, body),
  )
  api.mutate(
    'patch',
    '/boards/:boardId',
    {
      operationId: 'updateBoard',
      tag: 'Boards',
      summary: 'Changes the name or the description of a board.',
      status: 200,
      right: channelOf('board', 'boardId'),
      body: boardEdit,
      answer: board,
      example: { body: { name: 'Demonstration' }, answer: { ...exampleBoard, name: 'Demonstration' } },
      errors: ['board_not_found'],
      emits: ['board.updated'],
    },
    (tx, { params, body }) => updateBoard(tx, params.boardId, body),
  )
  api.mutate(
    'delete',
    '/boards/:boardId',
    {
      operationId: 'deleteBoard',
      tag: 'Boards',
      summary: 'Deletes a board and everything on it.',
      status: 204,
      right: channelOf('board', 'boardId'),
      example: {},
      errors: ['board_not_found'],
      emits: ['board.deleted'],
    },
    async (tx, { params }) => {
      await deleteBoard(tx, params.boardId)
      return undefined
    },
  )
}

/**
 * The server makes up an id for whoever may publish everywhere or on every board, which `board:*` matches. An id of the
 * client's choice needs the right to that board: the answer tells whether there is one.
 */
function toCreateBoard(id: string | undefined): Need {
  return id === undefined ? ['global', channelName('board', '')] : [channelName('board', id)]
}
