/** Rules between cards, over HTTP: dependencies and stages. Rules T24, T27, T28. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Card, stage } from '../../shared/src/types/kanban.ts'
import { makeBoard, makeCard } from '../support/board.ts'
import { ask, expectProblem, withoutEvents } from '../support/http.ts'
import { startTestServer, type TestServer } from '../support/server.ts'

let server: TestServer
let boardId: string
beforeAll(async () => {
  server = await startTestServer()
  boardId = (await makeBoard(server)).id
})
afterAll(() => server[Symbol.asyncDispose]())

const post = (path: string, json: unknown) => ask(server, 'POST', path, { json })
const patch = (path: string, json: unknown) => ask(server, 'PATCH', path, { json })
const read = (id: string) => server.get<Card>(`/cards/${id}`)
const make = (fields: object = {}) => makeCard(server, boardId, fields)

describe('dependencies', () => {
  it('[T27] are replaced as a whole; the card itself and duplicates are dropped', async () => {
    const [a, b, c] = [await make(), await make(), await make()]
    const first = await patch(`/cards/${c.id}`, { dependsOn: [a.id, b.id, a.id, c.id] })
    expect(first.body).toMatchObject({ dependsOn: [a.id, b.id], blocked: true, revision: 2 })
    const second = await patch(`/cards/${c.id}`, { dependsOn: [b.id] })
    expect(second.body).toMatchObject({ dependsOn: [b.id], blocked: true, revision: 3 })
    expect((await patch(`/cards/${c.id}`, { dependsOn: [] })).body).toMatchObject({ dependsOn: [], blocked: false })
  })

  it('[T24] [T27] on a card of another board, or on none, are 422, each named', async () => {
    const other = await makeCard(server, (await makeBoard(server)).id)
    const [a, b] = [await make(), await make()]
    const dependsOn = [a.id, other.id, 'crd_none']
    for (const reply of await withoutEvents(server, async () => [
      await patch(`/cards/${b.id}`, { dependsOn }),
      await post(`/boards/${boardId}/cards`, { title: 'x', dependsOn }),
    ])) {
      expectProblem(reply, 422, 'validation_failed', 'dependsOn.1', 'dependsOn.2')
    }
  })

  it('[T24] [T27] in a cycle are 422 dependency_cycle, and the sentence names the path', async () => {
    const [a, b, c] = [await make(), await make(), await make()]
    await patch(`/cards/${b.id}`, { dependsOn: [a.id] })
    await patch(`/cards/${c.id}`, { dependsOn: [b.id] })
    const reply = await withoutEvents(server, () => patch(`/cards/${a.id}`, { dependsOn: [c.id] }))
    expectProblem(reply, 422, 'dependency_cycle', 'dependsOn.0')
    for (const { ticketKey } of [a, b, c]) expect(reply.body.detail).toContain(ticketKey)
  })

  it('[T24] [T27] that are open keep a card out of in_progress, and from every attempt', async () => {
    const first = await make()
    const waits = await make({ dependsOn: [first.id] })
    const refused = await withoutEvents(server, async () => [
      await post(`/cards/${waits.id}/move`, { columnKey: 'in_progress' }),
      await post(`/boards/${boardId}/cards`, { title: 'x', columnKey: 'in_progress', dependsOn: [first.id] }),
      await post(`/cards/${waits.id}/attempts`, { agent: 'a' }),
      await post(`/cards/${waits.id}/attempts`, { agent: 'a', status: 'running' }),
    ])
    for (const reply of refused) expectProblem(reply, 409, 'blocked_by_dependencies')
    expect((await post(`/cards/${waits.id}/move`, { columnKey: 'review' })).status).toBe(200)

    await post(`/cards/${first.id}/move`, { columnKey: 'done' })
    expect((await read(waits.id)).blocked).toBe(false)
    expect((await post(`/cards/${waits.id}/move`, { columnKey: 'in_progress' })).status).toBe(200)
    await post(`/cards/${first.id}/move`, { columnKey: 'backlog' })
    expect((await read(waits.id)).blocked, 'it waits again').toBe(true)
  })

  it('[T27] on a card that became open again keep a queued attempt from its start', async () => {
    const first = await make({ columnKey: 'done' })
    const waits = await make({ dependsOn: [first.id] })
    const attempt = await server.post<{ id: string }>(`/cards/${waits.id}/attempts`, { agent: 'a' })
    await post(`/cards/${first.id}/move`, { columnKey: 'backlog' })
    const reply = await withoutEvents(server, () => patch(`/attempts/${attempt.id}`, { status: 'running' }))
    expectProblem(reply, 409, 'blocked_by_dependencies')
  })

  it('[T27] are deleted with their card', async () => {
    const [a, b] = [await make(), await make()]
    const waits = await make({ dependsOn: [a.id, b.id] })
    expect((await ask(server, 'DELETE', `/cards/${a.id}`)).status).toBe(204)
    expect(await read(waits.id)).toMatchObject({ dependsOn: [b.id], blocked: true, revision: 2 })
    await ask(server, 'DELETE', `/cards/${b.id}`)
    expect(await read(waits.id)).toMatchObject({ dependsOn: [], blocked: false, revision: 3 })
  })
})

/** As documented. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  BACKLOG: ['TODO'],
  TODO: ['CONTEXT_PACK'],
  CONTEXT_PACK: ['CONTEXT_REVIEW'],
  CONTEXT_REVIEW: ['SPEC', 'IMPLEMENT'],
  SPEC: ['SPEC_REVIEW'],
  SPEC_REVIEW: ['IMPLEMENT', 'SPEC'],
  IMPLEMENT: ['PR_REVIEW'],
  PR_REVIEW: ['PR_HUMAN_REVIEW'],
  PR_HUMAN_REVIEW: ['FIXER', 'TESTING'],
  FIXER: ['PR_REVIEW'],
  TESTING: ['DOC_REVIEW', 'IMPLEMENT'],
  DOC_REVIEW: ['MERGE_READY'],
  MERGE_READY: ['DONE'],
  DONE: [],
}

describe('stages', () => {
  it.each(stage.options)('[T28] %s allows the documented transitions, and no others', async (from) => {
    for (const to of stage.options) {
      if (to === from) continue
      const { id } = await make({ stage: from })
      const reply = await patch(`/cards/${id}`, { stage: to })
      if (NEXT[from]?.includes(to)) expect([reply.status, reply.body.stage, reply.body.revision]).toEqual([200, to, 2])
      else expectProblem(reply, 409, 'invalid_transition')
    }
  })

  it('[T28] may begin anywhere, and staying emits nothing', async () => {
    for (const to of stage.options) {
      const { id } = await make()
      expect((await patch(`/cards/${id}`, { stage: to })).status).toBe(200)
      const same = await withoutEvents(server, () => patch(`/cards/${id}`, { stage: to }))
      expect(same.status).toBe(200)
    }
  })

  it('[T24] [T28] an invalid change of stage undoes the other changes of the request', async () => {
    const { id } = await make({ stage: 'BACKLOG' })
    const reply = await withoutEvents(server, () => patch(`/cards/${id}`, { title: 'New', stage: 'DONE' }))
    expectProblem(reply, 409, 'invalid_transition')
    expect((await read(id)).title).toBe('A card')
  })
})
