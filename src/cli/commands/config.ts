import type { Command } from 'commander'
import { addOutputOptions, addServerOptions, formatOption, subcommand } from './options.ts'

export function addConfig(boardcast: Command): void {
  const command = subcommand(boardcast, 'config', ['boardcast config', 'boardcast config --profile ci']).description(
    'print the settings in force, and where each comes from',
  )
  command.usage('[--profile NAME] [options]').addOption(formatOption())
  addServerOptions(addOutputOptions(command)).action(async (_options: unknown, command: Command) => {
    const { config } = await import('../settings/config.ts')
    await config(command)
  })
}
