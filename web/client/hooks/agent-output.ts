/**
 * What an agent or an attempt prints, following its end until somebody scrolls up: the state of the component, and the
 * tree that both frameworks draw.
 */
import { LineTexts } from '../terminal/line-texts.ts'
import { type AgentChannel, useAgent } from './agent.ts'
import type { Framework } from './framework.ts'
import { type AttemptStream, useAttempt } from './streams.ts'

/** One of the two ids. */
export interface AgentOutputProps {
  readonly agentId?: string | undefined
  readonly attemptId?: string | undefined
  /** Of the outermost element, in addition to `boardcast-output`. */
  readonly className?: string | undefined
  /** What screen readers call it. Default: `Output`. */
  readonly label?: string | undefined
  /** Shown while there is no line. Default: `No output yet.` */
  readonly empty?: string | undefined
}

/** As far as the component uses it, so that both frameworks' functions fit. */
export type CreateElement<Node> = (
  tag: string,
  props: Readonly<Record<string, unknown>> | null,
  ...children: Array<Node | string | null>
) => Node

interface Line {
  readonly key: number
  readonly text: string
  readonly level?: string | undefined
}

/** As many pixels from the end still count as being there. */
const NEAR_PX = 24

export function useAgentOutput<Node>(fw: Framework, h: CreateElement<Node>, props: AgentOutputProps): Node {
  const { agentId = null, attemptId = null, label = 'Output', empty = 'No output yet.' } = props
  const agent = useAgent(fw, { agentId })
  const attempt = useAttempt(fw, attemptId)
  const texts = fw.useMemo(() => new LineTexts(), [])
  const { lines, count } = attemptId === null ? ofAgent(agent, texts) : ofAttempt(attempt, texts)

  const box = fw.useRef<HTMLElement | null>(null)
  /** How many lines there were when the reader left the end; null: the end is followed. */
  const [leftAt, setLeftAt] = fw.useState<number | null>(null)
  fw.useCommit(() => {
    if (leftAt === null && box.current) box.current.scrollTop = box.current.scrollHeight
  })

  function onScroll(): void {
    const element = box.current
    if (!element) return
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight <= NEAR_PX
    if (isAtEnd !== (leftAt === null)) setLeftAt(isAtEnd ? null : count)
  }

  const fresh = leftAt === null ? 0 : count - leftAt
  return h(
    'div',
    { className: ['boardcast-output', props.className].filter(Boolean).join(' '), style: FRAME },
    h(
      'div',
      // Not announced line by line: that would never come to rest.
      { ref: box, role: 'log', 'aria-live': 'off', 'aria-label': label, tabIndex: 0, onScroll, style: BOX },
      ...(lines.length === 0
        ? [h('p', { key: 'empty' }, empty)]
        : lines.map(({ key, text, level }) => h('div', { key, ...(level && { 'data-level': level }) }, text))),
    ),
    leftAt === null
      ? null
      : h(
          'button',
          { type: 'button', onClick: () => setLeftAt(null), style: JUMP },
          fresh > 0 ? `Jump to latest (${fresh} new)` : 'Jump to latest',
        ),
  )
}

/** As high as what it is put into: the page gives that a height, or a greatest height. */
const FRAME = { position: 'relative', height: '100%', maxHeight: 'inherit' }
const BOX = {
  overflow: 'auto',
  height: '100%',
  maxHeight: 'inherit',
  whiteSpace: 'pre-wrap',
  fontFamily: 'ui-monospace, monospace',
}
const JUMP = { position: 'absolute', insetInlineEnd: '0.5rem', insetBlockEnd: '0.5rem' }

function ofAgent({ output, outputCount }: AgentChannel, texts: LineTexts): { lines: readonly Line[]; count: number } {
  texts.begin(output[0])
  return { lines: output.map((line) => ({ key: line.key, text: texts.of(line, line.text) })), count: outputCount }
}

function ofAttempt({ lines, lineCount }: AttemptStream, texts: LineTexts): { lines: readonly Line[]; count: number } {
  const first = lineCount - lines.length
  texts.begin(lines[0])
  return {
    lines: lines.map((line, at) => ({
      key: first + at,
      text: texts.of(line, line.message, line.stream),
      level: line.level,
    })),
    count: lineCount,
  }
}
