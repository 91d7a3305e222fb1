/** The conversation of an attempt: messages, thinking, tools, errors. */
import * as z from 'zod'
import { named } from '../names.ts'
import { anyJson } from './json.ts'
import { text } from './text.ts'
import { instant, timestamp } from './time.ts'

const long = text(0, 262_144)

type Time = typeof timestamp | typeof instant

const toolCall = <T extends Time>(name: string, time: T) =>
  named(
    name,
    z.strictObject({
      name: text(1, 200),
      status: z.enum(['created', 'running', 'succeeded', 'failed', 'cancelled']),
      action: long.optional(),
      command: long.optional(),
      cwd: long.optional(),
      exitCode: z.int().optional(),
      stdout: long.optional(),
      stderr: long.optional(),
      startedAt: time.optional(),
      completedAt: time.optional(),
      durationMs: z.number().min(0).optional(),
      metadata: z.record(z.string(), anyJson).optional(),
    }),
  )

const kinds = <T extends Time>(nameOfTool: string, time: T) => ({
  message: {
    type: z.literal('message'),
    role: z.enum(['user', 'assistant', 'system']),
    text: long,
    format: text(1, 100).optional(),
  },
  thinking: { type: z.literal('thinking'), text: long, title: text(0, 500).optional() },
  tool: { type: z.literal('tool'), tool: toolCall(nameOfTool, time) },
  error: { type: z.literal('error'), text: long, details: long.optional() },
  automation: {
    type: z.literal('automation'),
    stage: z.enum(['copy_files', 'setup', 'dev', 'cleanup']),
    command: long,
    cwd: long,
    status: z.enum(['running', 'succeeded', 'failed']),
    exitCode: z.int().nullable(),
    durationMs: z.number().min(0),
    stdout: long.optional(),
    stderr: long.optional(),
  },
})

const kept = kinds('ToolCall', timestamp)
const posted = kinds('NewToolCall', instant)
const made = { id: text(1, 200), timestamp }
const given = { id: text(1, 200).optional(), timestamp: instant.optional() }

/** An item as it is stored and sent. */
export const conversationItem = named(
  'ConversationEntry',
  z.discriminatedUnion('type', [
    named('MessageEntry', z.strictObject({ ...made, ...kept.message })),
    named('ThinkingEntry', z.strictObject({ ...made, ...kept.thinking })),
    named('ToolEntry', z.strictObject({ ...made, ...kept.tool })),
    named('ErrorEntry', z.strictObject({ ...made, ...kept.error })),
    named('AutomationEntry', z.strictObject({ ...made, ...kept.automation })),
  ]),
)
export type ConversationItem = z.infer<typeof conversationItem>

/** An item as clients send it: the server generates `id` and `timestamp` if not given. */
export const conversationItemInput = named(
  'NewConversationItem',
  z.discriminatedUnion('type', [
    named('NewMessageItem', z.strictObject({ ...given, ...posted.message })),
    named('NewThinkingItem', z.strictObject({ ...given, ...posted.thinking })),
    named('NewToolItem', z.strictObject({ ...given, ...posted.tool })),
    named('NewErrorItem', z.strictObject({ ...given, ...posted.error })),
    named('NewAutomationItem', z.strictObject({ ...given, ...posted.automation })),
  ]),
)
export type ConversationItemInput = z.infer<typeof conversationItemInput>
