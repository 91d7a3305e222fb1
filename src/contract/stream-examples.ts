/** How each kind of stream begins, as items and as text. */
import { exampleCursor, exampleTime } from '../../shared/src/catalogue/examples.ts'
import { CONTROL, RETRY_MS } from '../../shared/src/protocol.ts'
import { exampleEnvelope, exampleOverview, exampleState } from '../routes/examples.ts'
import type { OpenApiVersion } from './contract-operations.ts'
import { controlEvents } from './stream-events.ts'

interface Frame {
  readonly event: string
  readonly data: object
  readonly id?: string
  readonly retry?: number
}

const hello: Frame = { event: CONTROL.hello, data: controlEvents.hello.example, retry: RETRY_MS }
const next = '5f3a9c1e-43'

const OPENINGS: Readonly<Record<'boards' | 'agent', Readonly<Record<string, readonly Frame[]>>>> = {
  boards: {
    board: [hello, { event: 'state', data: exampleState, id: exampleCursor }],
    dashboard: [hello, { event: 'dashboard_overview', data: exampleOverview, id: exampleCursor }],
    channels: [
      {
        ...hello,
        data: {
          channel: '*',
          event: CONTROL.hello,
          data: hello.data,
          timestamp: Date.parse(exampleTime),
          id: exampleCursor,
        },
        id: exampleCursor,
      },
      { event: exampleEnvelope.event, data: { ...exampleEnvelope, id: next }, id: next },
    ],
  },
  agent: {
    agent: [
      { ...hello, id: exampleCursor },
      {
        event: 'output_batch',
        data: { timestamp: Date.parse(exampleTime), lines: ['npm test', 'Tests  118 passed (118)'] },
        id: next,
      },
    ],
  },
}

/** 3.1 has a schema for one event, so its example is the first. */
export function streamExample(of: 'boards' | 'agent', version: OpenApiVersion): Readonly<Record<string, object>> {
  return Object.fromEntries(
    Object.entries(OPENINGS[of]).map(([kind, frames]) => [
      kind,
      version === '3.1'
        ? { value: frames[0] }
        : { dataValue: frames.map(asText), serializedValue: frames.map(serialized).join('') },
    ]),
  )
}

function asText({ event, data, ...rest }: Frame) {
  return { event, data: JSON.stringify(data), ...rest }
}

function serialized({ event, data, id, retry }: Frame): string {
  return [
    ...(retry === undefined ? [] : [`retry: ${retry}`]),
    `event: ${event}`,
    `data: ${JSON.stringify(data)}`,
    ...(id === undefined ? [] : [`id: ${id}`]),
    '\n',
  ].join('\n')
}
