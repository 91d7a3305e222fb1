/** Scenarios of what runners report about a repository. */

import type { gitEvents } from '../../../shared/src/catalogue/git.ts'
import type { EventType } from '../../../shared/src/catalogue.ts'
import { makeAttempt } from '../board.ts'
import type { TestServer } from '../server.ts'
import { boardWithCard, newAgentId, type Scenario, send } from './scenario.ts'

async function worked(server: TestServer) {
  const { boardId, cardId } = await boardWithCard(server)
  const agentId = newAgentId()
  const { id: attemptId } = await makeAttempt(server, cardId, { agent: agentId })
  return { boardId, cardId, agentId, attemptId }
}

const ts = '2026-01-31T12:00:00.000Z'

export const gitScenarios = {
  'git.status.changed': async (server) => {
    const scene = await worked(server)
    return {
      ...scene,
      async act() {
        const shown = {
          attemptId: scene.attemptId,
          branch: 'topic/a',
          ahead: 2,
          behind: 0,
          hasUncommitted: true,
          summary: { added: 1, modified: 2, deleted: 3, untracked: 4, staged: 5 },
          files: ['a.ts', { path: 'b.ts', state: 'M' }],
        }
        const { eventId } = await send(server, 'POST', `/boards/${scene.boardId}/git/status`, shown)
        return {
          eventId,
          sequence: ['git.status.changed'],
          full: { boardId: scene.boardId, cardId: scene.cardId, ...shown },
          shows: { board: ['git_status', shown] },
        }
      },
    }
  },

  'git.commit.created': async (server) => {
    const scene = await worked(server)
    return {
      ...scene,
      async act() {
        const shown = { attemptId: scene.attemptId, shortSha: '3f2a9bc', subject: 'Resume', author: 'Ann <a@b>', ts }
        const { eventId } = await send(server, 'POST', `/boards/${scene.boardId}/git/commits`, shown)
        return {
          eventId,
          sequence: ['git.commit.created'],
          full: { boardId: scene.boardId, cardId: scene.cardId, ...shown },
          shows: { board: ['git_commit', shown] },
        }
      },
    }
  },

  'git.push.completed': async (server) => {
    const scene = await worked(server)
    return {
      ...scene,
      async act() {
        const { answer, eventId } = await send<{ ts: string }>(server, 'POST', `/boards/${scene.boardId}/git/pushes`, {
          remote: 'origin',
          branch: 'main',
          ok: true,
        })
        // Without an attempt there is no card either.
        const shown = { attemptId: null, remote: 'origin', branch: 'main', ts: answer.ts }
        return {
          eventId,
          at: answer.ts,
          sequence: ['git.push.completed'],
          full: { boardId: scene.boardId, ...shown },
          shows: { board: ['git_push', shown] },
        }
      },
    }
  },

  'git.push.failed': async (server) => {
    const scene = await worked(server)
    return {
      ...scene,
      async act() {
        const push = { attemptId: scene.attemptId, remote: 'origin', branch: 'main', ts }
        const body = { ...push, ok: false, error: 'rejected' }
        const { eventId } = await send(server, 'POST', `/boards/${scene.boardId}/git/pushes`, body)
        const shown = { ...push, error: 'rejected' }
        return {
          eventId,
          sequence: ['git.push.failed'],
          full: { boardId: scene.boardId, cardId: scene.cardId, ...shown },
          shows: { board: ['git_push_failed', shown] },
        }
      },
    }
  },

  'git.operation.completed': async (server) => {
    const scene = await worked(server)
    return {
      ...scene,
      async act() {
        const shown = { operation: 'rebase', ok: false, details: { onto: 'main', conflicts: ['a', null, 1.5] } }
        const { eventId } = await send(server, 'POST', `/boards/${scene.boardId}/git/operations`, shown)
        return {
          eventId,
          sequence: ['git.operation.completed'],
          full: { boardId: scene.boardId, ...shown },
          shows: { project: ['git.operation.completed', shown] },
        }
      },
    }
  },

  'file.changed': async (server) => {
    const scene = await worked(server)
    return {
      ...scene,
      async act() {
        const shown = { path: 'new.ts', kind: 'renamed', oldPath: 'old.ts' }
        const { eventId } = await send(server, 'POST', `/boards/${scene.boardId}/files/changes`, { changes: [shown] })
        return {
          eventId,
          sequence: ['file.changed'],
          full: { boardId: scene.boardId, ...shown },
          shows: { project: ['file.changed', shown] },
        }
      },
    }
  },
} satisfies Record<EventType & keyof typeof gitEvents, Scenario>
