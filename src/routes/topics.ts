import * as z from 'zod'
import { postedJson } from '../../shared/src/types/json.ts'
import { eventName } from '../../shared/src/types/text.ts'
import { postTopicEvent } from '../domain/topics.ts'
import type { Api } from './api.ts'
import { channelOf } from './rights.ts'

const posted = z.strictObject({ event: eventName, data: postedJson.default(null) })

export function registerTopics(api: Api): void {
  api.mutate(
    'post',
    '/topics/:name/events',
    { status: 202, right: channelOf('topic', 'name'), body: posted },
    async (tx, { params, body }) => {
      await postTopicEvent(tx, params.name, body)
      return {}
    },
  )
}
