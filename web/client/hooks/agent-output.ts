/**
 * The component that shows the output of an agent or an attempt and follows its end until the user scrolls up: its state,
 * and the tree that both frameworks draw.
 */
import { LineTexts } from '../terminal/line-texts.ts'
import { type AgentChannel, useAgent } from './agent.ts'
import type { Framework } from './framework.ts'
import { type AttemptStream, useAttempt } from './resources.ts'

/** One of the two ids is needed. */
export interface AgentOutputProps {
  readonly agentId?: string | undefined
  readonly attemptId?: string | undefined
  /** Added to the outermost element, which also has `boardcast-output`. */
  readonly className?: string | undefined
  /** The name for screen readers. Default: `Output`. */
  readonly label?: string | undefined
  /** Shown while there are no lines. Default: `No output yet.` */
  readonly empty?: string | undefined
}

/** The part of the frameworks' functions that the component uses. */
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

/** Within this many pixels of the end, the user is at the end. */
const NEAR_PX = 24

export function useAgentOutput<Node>(fw: Framework, h: CreateElement<Node>, props: AgentOutputProps): Node {
  const { agentId = null, attemptId = null, label = 'Output', empty = 'No output yet.' } = props
  const agent = useAgent(fw, { agentId })
  const attempt = useAttempt(fw, attemptId)
  const texts = fw.useMemo(() => new LineTexts(), [])
  const { lines, count } = attemptId === null ? ofAgent(agent, texts) : ofAttempt(attempt, texts)

  const box = fw.useRef<HTMLElement | null>(null)
  /** How many lines there were when the user scrolled up; null: follows the end. */
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
      // Not announced by screen readers, which could not keep up.
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

/** As high as its container, which needs a height or a maximum height. */
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
    lines: lines.map((line, index) => ({
      key: first + index,
      text: texts.of(line, line.message, line.stream),
      level: line.level,
    })),
    count: lineCount,
  }
}
