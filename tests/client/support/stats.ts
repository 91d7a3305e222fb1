import type { TestServer } from '../../support/server.ts'

/** How many streams the server has open. */
export async function openStreams(server: Pick<TestServer, 'url'>): Promise<number> {
  const response = await fetch(`${server.url}/stats`)
  const { connections } = (await response.json()) as { connections: { sse: number } }
  return connections.sse
}
