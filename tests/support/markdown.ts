/** The blocks of code in a document, for tests that run them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

export interface Block {
  /** The heading that it stands under. */
  readonly heading: string
  readonly language: string
  readonly code: string
}

/** `document`: a path from the root of the repository. */
export function blocksOf(document: string): Block[] {
  const blocks: Block[] = []
  let heading = ''
  let open: { language: string; lines: string[] } | undefined
  for (const line of readFileSync(join(ROOT, document), 'utf8').split('\n')) {
    if (open === undefined) {
      heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading
      const language = /^```(\w*)$/.exec(line)?.[1]
      if (language !== undefined) open = { language, lines: [] }
    } else if (line === '```') {
      blocks.push({ heading, language: open.language, code: `${open.lines.join('\n')}\n` })
      open = undefined
    } else {
      open.lines.push(line)
    }
  }
  return blocks
}

/** The only block of a language under a heading. Throws if there is none, or more than one. */
export function blockUnder(blocks: readonly Block[], heading: string, language: string): string {
  const [block, ...more] = blocks.filter((each) => each.heading === heading && each.language === language)
  if (block === undefined || more.length > 0) {
    throw new Error(`${more.length === 0 ? 'no' : 'more than one'} ${language} block under "${heading}"`)
  }
  return block.code
}
