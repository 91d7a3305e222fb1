/**
 * The numbered rules against the tests that quote them.
 *
 *   DOC2   Every rule that the title of a test names is stated in docs/.
 *   DOC9   docs/rules.md is what `npm run docs:rules` writes.
 *   DOC10  Every rule is stated once, and has a test.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  faultsOf,
  proofs,
  proofsIn,
  RULES_DOC,
  renderRules,
  statements,
  statementsIn,
} from '../../scripts/rules-doc.ts'

const stated = statements()
const proven = proofs()

test('[DOC2] [DOC10] every rule is stated once and has a test, and tests quote no others', () => {
  expect(stated.length).toBeGreaterThan(700)
  expect(faultsOf(stated, proven)).toEqual([])
})

test('[DOC9] docs/rules.md is up to date; npm run docs:rules writes it', () => {
  expect(readFileSync(RULES_DOC, 'utf8')).toBe(renderRules(stated, proven))
})

test('[DOC2] [DOC10] a rule that is stated twice, one without a test, and one that only a test knows are found', () => {
  const documents = [
    ...statementsIn('a.md', '## First\n\n- **A1** One.\n- **A2** Two.\n'),
    ...statementsIn(
      'b.md',
      '## Second\n\n| rule | what |\n| --- | --- |\n| **A1** | One again. |\n\n```\n- **A9** code\n```\n',
    ),
  ]
  const titles = [`'[${'A1'}] [${'A3'}] one'`, `"[${'A1'}] another"`, `rows[${'A2'}]`]
  const quoted = proofsIn('tests/a.test.ts', titles.join('\n'))
  expect(faultsOf(documents, quoted)).toEqual([
    'A1 is stated 2 times: a.md, b.md',
    'A2 has no test',
    'tests/a.test.ts quotes A3, which no document states',
  ])
})

test('[DOC9] a rule in parts is one family with its number, in the order of the letters', () => {
  const stated = statementsIn('a.md', '## First\n\n- **A10** Ten.\n- **A2b** Two, b.\n- **A2a** Two, a.\n')
  const rendered = renderRules(stated, proofsIn('tests/a.test.ts', `'[${'A2a'}] one'`))
  expect(rendered.match(/^(?:## |- )\w+/gm)).toEqual(['## A', '- A2a', '- A2b', '- A10'])
  expect(rendered).toContain('A2a: [a.md](a.md#first). `tests/a.test.ts`')
})
