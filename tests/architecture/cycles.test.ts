/** FL2  No files import each other in a cycle: TypeScript, types included, and the C programs of the bench. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { cyclesIn, dependenciesIn } from './cycles.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The cycles in a tree of these files. */
function check(files: Readonly<Record<string, string>>): string[] {
  const root = mkdtempSync(join(tmpdir(), 'boardcast-cycles-'))
  onTestFinished(() => rmSync(root, { recursive: true }))
  mkdirSync(join(root, 'bench'))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return cyclesIn(root)
}

test('[FL2] this repository has no cycle', () => {
  expect(cyclesIn(ROOT)).toEqual([])
})

test('[FL2] the checker sees every folder, and what the C files use', () => {
  const dependencies = dependenciesIn(ROOT)
  for (const path of ['src/main.ts', 'web/client/index.ts', 'bench/run.ts', 'scripts/events-doc.ts']) {
    expect(dependencies.get(path)?.length, path).toBeGreaterThan(0)
  }
  expect(dependencies.get('tests/architecture/cycles.test.ts')).toContain('tests/architecture/cycles.ts')
  expect(dependencies.get('bench/generator/lanes')?.toSorted()).toEqual([
    'bench/generator/base',
    'bench/generator/options',
  ])
})

test.each(['shared/src', 'src/domain', 'web/client', 'bench/loads', 'scripts', 'tests/support'])(
  '[FL2] reports a cycle in %s, of types too',
  (folder) => {
    const files = {
      [`${folder}/a.ts`]: "import { b } from './b.ts'",
      [`${folder}/b.ts`]: "import type { c } from './c.ts'",
      [`${folder}/c.ts`]: "export * from './a.ts'",
    }
    expect(check(files)).toEqual([`a cycle: ${folder}/a.ts > ${folder}/b.ts > ${folder}/c.ts > ${folder}/a.ts`])
  },
)

test('[FL2] reports a cycle across folders', () => {
  const files = {
    'tests/support/board.ts': "import '../http/boards.test.ts'",
    'tests/http/boards.test.ts': "import { board } from '../support/board.ts'",
  }
  expect(check(files)).toEqual([
    'a cycle: tests/http/boards.test.ts > tests/support/board.ts > tests/http/boards.test.ts',
  ])
})

test('[FL2] reports headers that include each other', () => {
  const files = {
    'bench/generator/a.h': '#include "b.h"\n',
    'bench/generator/b.h': '#include <stdio.h>\n#include "a.h"\n',
  }
  expect(check(files)).toEqual(['a cycle: bench/generator/a > bench/generator/b > bench/generator/a'])
})

const SHARED_HEADER = 'int dial(void);\nextern long sent, *all;\n'

test('[FL2] reports C files that use each other through a shared header', () => {
  const files = {
    'bench/generator/shared.h': SHARED_HEADER,
    'bench/generator/main.c':
      '#include "shared.h"\nint dial(void) { return 0; }\nint main(void) {\n  return (int)sent;\n}\n',
    'bench/generator/publishers.c': '#include "shared.h"\nlong sent, *all;\nstatic void open(void) {\n  dial();\n}\n',
  }
  expect(check(files)).toEqual(['a cycle: bench/generator/main > bench/generator/publishers > bench/generator/main'])
})

test('[FL2] the same name in a comment, a text, a field, a static function or another program is no use', () => {
  const files = {
    'bench/generator/shared.h': SHARED_HEADER,
    'bench/generator/main.c':
      '#include "shared.h"\nint dial(void) { return 0; }\nint main(void) {\n  return (int)sent;\n}\n',
    'bench/generator/publishers.c':
      '#include "shared.h"\nlong sent, *all;\n// dial()\nstatic void open(line *l) {\n  puts("dial"), l->dial = l[0].dial;\n}\n',
    'bench/floor.c': 'static int dial(void) { return 1; }\nint main(void) { return dial(); }\n',
  }
  expect(check(files)).toEqual([])
})
