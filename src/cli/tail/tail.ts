/** `boardcast tail`: events as they come, printed, given to a program, or posted elsewhere. */
import { type ApiOptions, createApi } from '../api/api.ts'
import { exitCode } from '../process/exit.ts'
import { onInterrupt } from '../process/interrupt.ts'
import { dataOutput, type OutputOptions, talk as talkOf } from '../process/output.ts'
import type { EventItem } from '../stream/event-source.ts'
import { newestId } from '../stream/log-pages.ts'
import type { TransportName } from '../stream/transport.ts'
import { openCursorFile } from './cursor-file.ts'
import { eventProgram } from './exec.ts'
import { follow } from './follow.ts'
import type { Format } from './formats.ts'
import { forwardTo } from './forward.ts'
import { printerOf } from './printer.ts'
import { type SelectionOptions, selectionOf } from './selection.ts'
import { parseSince, resolveSince } from './since.ts'

export interface TailOptions extends ApiOptions, OutputOptions, SelectionOptions {
  readonly since: string
  readonly n?: number
  readonly follow: boolean
  readonly timeout?: number
  readonly format?: Format
  readonly transport: TransportName
  readonly cursorFile?: string
  readonly exec?: string
  readonly forwardTo?: string
  readonly strict?: boolean
}

/** Resolves to the exit code. */
export async function tail(options: TailOptions): Promise<number> {
  const talk = talkOf(options)
  const data = dataOutput(options)
  const selection = selectionOf(options)
  const since = parseSince(options.since)
  const file = options.cursorFile === undefined ? undefined : openCursorFile(options.cursorFile)
  const program = options.exec === undefined ? undefined : eventProgram(options.exec, talk)
  const forward = options.forwardTo === undefined ? undefined : forwardTo(options.forwardTo, talk)
  const api = createApi(options)
  for (const warning of selection.warnings) talk.info(warning)

  const interrupt = onInterrupt(() => program?.kill())
  const gone = program === undefined ? data.gone : AbortSignal.any([data.gone, program.gone])
  const stop = AbortSignal.any([interrupt.signal, gone])
  const isPrinted = (program === undefined && forward === undefined) || options.format !== undefined
  const print = printerOf(options.format, data)

  async function take(item: EventItem, signal: AbortSignal): Promise<number | undefined> {
    if (isPrinted) await data.write(print(item))
    const isDone =
      (program === undefined || (await program.run(item, signal))) &&
      (forward === undefined || (await forward(item, signal)))
    return !isDone && (options.strict || signal.aborted) ? exitCode.programFailed : undefined
  }

  let code: number
  try {
    // What is newest is asked first: whatever is committed from here on, also before the stream begins, is not followed.
    const newest = options.follow ? undefined : await newestId(api, { signal: stop })
    const begin = file?.cursor ?? (await resolveSince(api, selection, since, stop))
    code = await follow({
      ...{ api, selection, talk, stop, take, since: begin, limit: options.n },
      ...{ timeout: options.timeout, strict: options.strict, transport: options.transport },
      waitServer: options.waitServer,
      opened(cursor) {
        if (file?.cursor === undefined) file?.store(cursor)
        return newest === undefined ? undefined : Promise.resolve(newest)
      },
      async taken(id) {
        if (file === undefined) return
        await data.flushed()
        if (!gone.aborted) file.store(id)
      },
    })
  } catch (error) {
    if (!stop.aborted) throw error
    code = exitCode.done
  }
  return interrupt.exitCode() ?? (gone.aborted ? exitCode.done : code)
}
