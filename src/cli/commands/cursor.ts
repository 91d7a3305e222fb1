import type { Command } from 'commander'
import type { ApiOptions } from '../api/api.ts'
import { addServerOptions, quietOption, subcommand } from './options.ts'

export function addCursor(boardcast: Command): void {
  const command = subcommand(boardcast, 'cursor', [
    'boardcast cursor',
    'SINCE=$(boardcast cursor); ./work; boardcast tail --since $SINCE --no-follow',
  ]).description('print the newest id of the log')
  addServerOptions(command.addOption(quietOption())).action(async (options: ApiOptions) => {
    const [{ createApi }, { newestId }] = await Promise.all([import('../api/api.ts'), import('../stream/log-pages.ts')])
    process.stdout.write(`${await newestId(createApi(options))}\n`)
  })
}
