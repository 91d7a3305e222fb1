/** The routes of the API. Each declares its right (src/routes/rights.ts). */
import { registerAgentOutput } from '../routes/agent-output.ts'
import { registerAgentProfiles } from '../routes/agent-profiles.ts'
import { registerAgents } from '../routes/agents.ts'
import type { Api } from '../routes/api.ts'
import { registerAttemptLinks } from '../routes/attempt-links.ts'
import { registerAttemptLogs } from '../routes/attempt-logs.ts'
import { registerAttempts } from '../routes/attempts.ts'
import { registerBoards } from '../routes/boards.ts'
import { registerCards } from '../routes/cards.ts'
import { registerColumns } from '../routes/columns.ts'
import { registerConversation } from '../routes/conversation.ts'
import { registerDashboard } from '../routes/dashboard.ts'
import { registerEvents } from '../routes/events.ts'
import { registerGit } from '../routes/git.ts'
import { registerMessages } from '../routes/messages.ts'
import { registerMetrics } from '../routes/metrics.ts'
import { registerSessions } from '../routes/sessions.ts'
import { registerShells } from '../routes/shells.ts'
import { registerSubtasks } from '../routes/subtasks.ts'
import { registerTasks } from '../routes/tasks.ts'
import { registerTickets } from '../routes/tickets.ts'
import { registerTodos } from '../routes/todos.ts'
import { registerTopics } from '../routes/topics.ts'
import { registerWorkflowRuns } from '../routes/workflow-runs.ts'
import { registerWorkflowSteps } from '../routes/workflow-steps.ts'
import { mustExist } from './snapshot-sources.ts'

export function registerApiRoutes(api: Api): void {
  registerBoards(api)
  registerColumns(api)
  registerCards(api)
  registerAttempts(api)
  registerAttemptLinks(api)
  registerAttemptLogs(api)
  registerTodos(api)
  registerConversation(api)
  registerGit(api)
  registerAgents(api)
  registerAgentProfiles(api)
  registerAgentOutput(api)
  registerTopics(api)
  registerEvents(api, mustExist)
  registerSessions(api)
  registerWorkflowRuns(api)
  registerWorkflowSteps(api)
  registerShells(api)
  registerDashboard(api)
  registerTasks(api)
  registerSubtasks(api)
  registerMessages(api)
  registerMetrics(api)
  registerTickets(api)
}
