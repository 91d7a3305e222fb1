/** The envelopes of an event, in the same bytes that a channel stream sends. */
import type { LogEvent } from '../../db/log-event.ts'
import { textOf } from '../delivery/frame-list.ts'
import type { Selection } from '../delivery/selection.ts'
import { envelope } from './frames.ts'

/** JSON texts, one for each name under which the event shows. `id` is the cursor of the event. */
export function envelopesOf(event: LogEvent, selection: Selection, id: string): string[] {
  return selection.view(event).map((visible) => envelope({ ...visible, data: textOf(visible, event.at) }, event.at, id))
}
