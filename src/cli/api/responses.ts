import { z } from 'zod'

// Schemas of the server's responses, with only the fields that the commands read, so that other fields may change.

export const attemptStatus = z.enum(['queued', 'running', 'stopping', 'stopped', 'succeeded', 'failed'])
export type AttemptStatus = z.infer<typeof attemptStatus>

const attempt = z.object({ id: z.string(), boardId: z.string(), cardId: z.string(), status: attemptStatus })

/** An attempt: bare, as POST and PATCH return it, or with its todos and conversation, as GET does. */
export const Attempt = z.union([attempt, z.object({ attempt }).transform((body) => body.attempt)])

export const Card = z.object({
  id: z.string(),
  boardId: z.string(),
  columnId: z.string(),
  ticketKey: z.string(),
  title: z.string(),
  ticketType: z.string().nullable(),
  blocked: z.boolean(),
  assignedAgentId: z.string().nullable(),
  attempt: z.object({ id: z.string(), status: attemptStatus, agent: z.string() }).nullable(),
})
export type Card = z.infer<typeof Card>

const Column = z.object({ id: z.string(), key: z.string().nullable(), cardIds: z.array(z.string()) })

/** `GET /boards/:id`. */
export const BoardResponse = z.object({
  state: z.object({
    columns: z.record(z.string(), Column),
    columnOrder: z.array(z.string()),
    cards: z.record(z.string(), Card),
  }),
})
export type BoardState = z.infer<typeof BoardResponse>['state']
