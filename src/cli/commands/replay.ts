import { type Command, InvalidArgumentError } from 'commander'
import { exitFlushed } from '../process/exit.ts'
import type { ReplayOptions } from '../replay/replay.ts'
import { addOutputOptions, addServerOptions, formatOption, subcommand } from './options.ts'

export function addReplay(boardcast: Command): void {
  const command = subcommand(boardcast, 'replay', [
    'boardcast record run.jsonl -- npm run agent && boardcast replay run.jsonl --board copy --speed max',
    'boardcast replay run.jsonl --dry-run',
  ])
    .description('post a recording again, in its rhythm')
    .usage('FILE [--speed N|max] [--board ID] [options]')
    .argument('<file>', 'what "boardcast record" has written')
    .option('--speed <factor>', 'speed relative to the recording, or max', speedFactor, 1)
    .option('--board <id>', 'put everything on this board; it is created if it does not exist')
    .option('--dry-run', 'print the requests, and post nothing')
    .addOption(formatOption())
  addServerOptions(addOutputOptions(command)).action(async (file: string, options: ReplayOptions) => {
    const { replay } = await import('../replay/replay.ts')
    await exitFlushed(await replay(file, options))
  })
}

function speedFactor(text: string): number {
  const speed = text === 'max' ? Number.POSITIVE_INFINITY : Number(text)
  if (speed > 0) return speed
  throw new InvalidArgumentError('Expected a number above 0, such as 2, or max.')
}
