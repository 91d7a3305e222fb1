import * as z from 'zod'
import { anyJson } from '../types/json.ts'
import { eventName, externalId } from '../types/text.ts'
import { event } from './define.ts'
import { exampleIds } from './examples.ts'

export const topicEvents = {
  'topic.event': event({
    summary: "A client's own event, with the name and the data that it was posted with.",
    keep: 'transient',
    isPosted: true,
    about: z.strictObject({ topic: externalId }),
    shows: z.strictObject({ event: eventName, data: anyJson }),
    example: { topic: exampleIds.topic, event: 'deploy.started', data: { service: 'api', canary: true } },
    to: [{ channel: 'topic', by: 'topic', event: 'topic.event' }],
  }),
}
