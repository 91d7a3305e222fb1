import type { Command } from 'commander'
import { nearest } from '../../text/nearest.ts'
import { exitFlushed, usageError } from '../process/exit.ts'
import { KINDS, THINGS } from '../wait/kinds.ts'
import type { WaitOptions } from '../wait/wait.ts'
import { addOutputOptions, addServerOptions, duration, formatOption, subcommand } from './options.ts'

export function addWait(boardcast: Command): void {
  const command = subcommand(boardcast, 'wait', [
    'boardcast wait attempt att_1 --for succeeded --timeout 10m',
    'boardcast serve & boardcast wait server --timeout 30s',
  ])
    .description('wait until an attempt, a card, a run, a session or the server is so far')
    .usage('attempt|card|run|session ID --for STATE [options] | server [options]')
    .argument('<thing>', 'attempt, card, run, session, or server')
    .argument('[id]', 'id of the thing')
    .option(
      '--for <state>',
      'attempt: running, succeeded or finished; card: the key of a column; run and session: completed or finished',
    )
    .option('--timeout <duration>', 'end when the time is up', duration, 600_000)
    .addOption(formatOption())
  showDefault(addServerOptions(addOutputOptions(command))).action(
    async (thing: string, id: string | undefined, options: WaitOptions & { readonly for?: string }) => {
      const { waitFor, waitForServer } = await import('../wait/wait.ts')
      if (thing === 'server') return exitFlushed(await waitForServer(options))
      const kind = KINDS.find((each) => each === thing)
      if (kind === undefined) {
        throw usageError(`cannot wait for "${thing}". Did you mean ${nearest(thing, THINGS)}?`)
      }
      if (id === undefined) throw usageError(`wait ${kind}: the id is missing, as in wait ${kind} ID --for STATE.`)
      if (options.for === undefined) throw usageError(`wait ${kind} ${id}: add --for STATE.`)
      return exitFlushed(await waitFor(kind, id, options.for, options))
    },
  )
}

/** Help shows durations as people write them. */
function showDefault(command: Command): Command {
  const timeout = command.options.find(({ long }) => long === '--timeout')
  timeout?.default(600_000, '10m')
  return command
}
