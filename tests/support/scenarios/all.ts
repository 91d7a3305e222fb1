/** A scenario for every event of the catalogue: an entry without one does not compile. */
import type { EventType } from '../../../shared/src/catalogue.ts'
import { agentOutputScenarios } from './agent-output.ts'
import { agentScenarios } from './agents.ts'
import { attemptScenarios } from './attempts.ts'
import { boardScenarios } from './boards.ts'
import { gitScenarios } from './git.ts'
import { messageScenarios } from './messages.ts'
import type { Scenario } from './scenario.ts'
import { sessionScenarios } from './sessions.ts'
import { shellScenarios } from './shells.ts'
import { taskScenarios } from './tasks.ts'
import { topicScenarios } from './topics.ts'
import { workflowScenarios } from './workflows.ts'

export const scenarios = {
  ...boardScenarios,
  ...attemptScenarios,
  ...gitScenarios,
  ...agentScenarios,
  ...agentOutputScenarios,
  ...topicScenarios,
  ...taskScenarios,
  ...messageScenarios,
  ...sessionScenarios,
  ...workflowScenarios,
  ...shellScenarios,
} satisfies Record<EventType, Scenario>
