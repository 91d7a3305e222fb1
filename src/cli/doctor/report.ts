/** Findings as text: for people, or a JSON line each. */

import { jsonLine } from '../../text/json-line.ts'
import { printable } from '../../text/printable.ts'
import type { Data } from '../process/output.ts'
import { type Finding, PROBES, type ProbeName } from './findings/finding.ts'

export type Format = 'pretty' | 'json'

const MARKS = {
  ok: ['✓', 'green'],
  warn: ['!', 'yellow'],
  fail: ['✗', 'red'],
  skip: ['-', 'dim'],
} as const
const NAME_WIDTH = Math.max(...PROBES.map((name) => name.length))
const INDENT = ' '.repeat(NAME_WIDTH + 4)

export function textOf(probe: ProbeName, finding: Finding, format: Format, data: Data): string {
  return format === 'json' ? `${jsonOf(probe, finding)}\n` : prettyOf(probe, finding, data)
}

function jsonOf(probe: ProbeName, { verdict, measured, culprit, fix }: Finding): string {
  return jsonLine({
    probe,
    verdict,
    measured,
    ...(culprit !== undefined && { culprit }),
    ...(fix !== undefined && { fix }),
  })
}

function prettyOf(probe: ProbeName, { verdict, summary, fix }: Finding, { paint, width }: Data): string {
  const [mark, style] = MARKS[verdict]
  const [first = '', ...more] = wrapped(printable(summary), width === undefined ? Infinity : width - INDENT.length)
  const text = [first, ...more.map((line) => INDENT + line)].join('\n')
  const lines = [`${paint(style, mark)} ${probe.padEnd(NAME_WIDTH)}  ${verdict === 'skip' ? paint('dim', text) : text}`]
  // Not wrapped, so that it can be copied.
  if (fix !== undefined) lines.push(`${INDENT}${paint('bold', 'fix')}  ${paint('cyan', printable(fix))}`)
  return `${lines.join('\n')}\n`
}

/** Between words; a word that is longer has a line of its own. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}
