import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Stage } from '../../shared/src/types/kanban.ts'
import * as kanban from '../../shared/src/types/kanban.ts'
import { updateCard } from '../../src/domain/cards.ts'
import { type DemoBoard, openDemoBoard } from './demo-board.ts'

let at: DemoBoard
beforeEach(async () => {
  at = await openDemoBoard()
})
afterEach(() => at.close())

describe('stages', () => {
  const ways: Record<Stage, Stage[]> = {
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
  const stages = kanban.stage.options

  test.each(stages)('[C11] %s allows only the listed transitions', async (from) => {
    for (const to of stages) {
      if (to === from) continue
      const card = await at.make(to, { stage: from })
      if (ways[from].includes(to)) {
        expect(await at.edit(card, { stage: to })).toMatchObject({ stage: to, revision: 2 })
      } else {
        const refusal = await at.refused('invalid_transition', (tx) =>
          updateCard(tx, card.id, { title: 'not kept', stage: to }),
        )
        for (const named of [from, to, ...ways[from]]) expect(refusal.message).toContain(named)
      }
    }
  })

  test.each(stages)('[C11] a card without a stage may enter %s, and never lose it', async (to) => {
    const card = await at.edit(await at.make('x'), { stage: to })
    await at.refused('invalid_transition', (tx) => updateCard(tx, card.id, { stage: null }))
  })

  test('[C11] null may stay null', async () => {
    const card = await at.make('x')
    expect(await at.edit(card, { stage: null })).toEqual(card)
  })
})
