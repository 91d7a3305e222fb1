/** The agents of the demo. */
export interface DemoAgent {
  readonly id: string
  readonly label: string
}

export const demoAgents: readonly DemoAgent[] = [
  { id: 'ada', label: 'Ada' },
  { id: 'grace', label: 'Grace' },
  { id: 'edsger', label: 'Edsger' },
  { id: 'barbara', label: 'Barbara' },
]

export function isDemoAgent(agentId: string): boolean {
  return demoAgents.some((agent) => agent.id === agentId)
}
