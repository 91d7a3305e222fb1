import * as z from 'zod'
import { named } from '../../shared/src/names.ts'
import { postedJson } from '../../shared/src/types/json.ts'
import { eventName } from '../../shared/src/types/text.ts'
import { postTopicEvent } from '../domain/topics.ts'
import { empty } from './answers.ts'
import type { Api } from './api.ts'
import { channelOf } from './rights.ts'

const posted = named('NewTopicEvent', z.strictObject({ event: eventName, data: postedJson.default(null) }))

export function registerTopics(api: Api): void {
  api.mutate(
    'post',
    '/topics/:topic/events',
    {
      operationId: 'postTopicEvent',
      tag: 'Topics',
      summary: 'Publishes an event on a topic, with a name and data of the client.',
      status: 202,
      right: channelOf('topic', 'topic'),
      body: posted,
      answer: empty,
      example: { body: { event: 'deploy.started', data: { service: 'api', canary: true } }, answer: {} },
      errors: ['invalid_channel'],
      emits: ['topic.event'],
    },
    async (tx, { params, body }) => {
      await postTopicEvent(tx, params.topic, body)
      return {}
    },
  )
}
