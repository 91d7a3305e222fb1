/** The board, card and attempt of all examples, and their time. */
import type { Card } from '../types/kanban.ts'

export const exampleIds = {
  board: 'demo',
  column: 'col_0192f3a4-5b6c-7d8e-9f00-000000000001',
  nextColumn: 'col_0192f3a4-5b6c-7d8e-9f00-000000000002',
  card: 'crd_0192f3a4-5b6c-7d8e-9f00-0000000000c1',
  attempt: 'att_0192f3a4-5b6c-7d8e-9f00-0000000000a1',
  agent: 'claude-1',
  profile: 'pro_0192f3a4-5b6c-7d8e-9f00-0000000000f1',
  session: 'session-7',
  run: 'run_0192f3a4-5b6c-7d8e-9f00-0000000000d1',
  step: 'stp_0192f3a4-5b6c-7d8e-9f00-0000000000d2',
  shell: 'shell-1',
  task: 'tsk_0192f3a4-5b6c-7d8e-9f00-0000000000d1',
  subtask: 'sub_0192f3a4-5b6c-7d8e-9f00-0000000000e1',
  message: 'msg_0192f3a4-5b6c-7d8e-9f00-0000000000b1',
  topic: 'deploys',
} as const

export const exampleTime = '2026-01-31T12:00:00.000Z'

/** The id of an event in the log. */
export const exampleCursor = '5f3a9c1e-42'

export const exampleCard: Card = {
  id: exampleIds.card,
  boardId: exampleIds.board,
  columnId: exampleIds.column,
  ticketKey: 'DEMO-1',
  title: 'Resume streams by id',
  description: null,
  ticketType: 'feat',
  priority: 'high',
  labels: ['streams'],
  stage: null,
  dependsOn: [],
  blocked: false,
  assignedAgentId: null,
  isEnhanced: false,
  prUrl: null,
  attempt: null,
  revision: 1,
  createdAt: exampleTime,
  updatedAt: exampleTime,
}
