/** The routes of the API. Each declares its right (src/routes/rights.ts). */
import { registerAgentOutput } from './agent-output.ts'
import { registerAgentProfiles } from './agent-profiles.ts'
import { registerAgents } from './agents.ts'
import type { Api } from './api.ts'
import { registerAttemptLinks } from './attempt-links.ts'
import { registerAttemptLogs } from './attempt-logs.ts'
import { registerAttempts } from './attempts.ts'
import { registerBoards } from './boards.ts'
import { registerCards } from './cards.ts'
import { registerColumns } from './columns.ts'
import { registerConversation } from './conversation.ts'
import { registerDashboard } from './dashboard.ts'
import { type MustExist, registerEvents } from './events.ts'
import { registerGit } from './git.ts'
import { registerMessages } from './messages.ts'
import { registerMetrics } from './metrics.ts'
import { registerSessions } from './sessions.ts'
import { registerShells } from './shells.ts'
import { registerSubtasks } from './subtasks.ts'
import { registerTasks } from './tasks.ts'
import { registerTickets } from './tickets.ts'
import { registerTodos } from './todos.ts'
import { registerTopics } from './topics.ts'
import { registerWorkflowRuns } from './workflow-runs.ts'
import { registerWorkflowSteps } from './workflow-steps.ts'

/** `mustExist` throws when a channel needs a resource that does not exist. */
export function registerApiRoutes(api: Api, mustExist: MustExist): void {
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
