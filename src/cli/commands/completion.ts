import { Argument, type Command } from 'commander'
import { subcommand } from './options.ts'

const SHELLS = ['bash', 'zsh', 'fish'] as const

export function addCompletion(boardcast: Command): void {
  subcommand(boardcast, 'completion', [
    'source <(boardcast completion bash)',
    'boardcast completion fish > ~/.config/fish/completions/boardcast.fish',
  ])
    .description('print a script that completes commands, options, operations and names of events in a shell')
    .usage('bash|zsh|fish')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action(async (shell: (typeof SHELLS)[number]) => {
      const { completionScript } = await import('../completion/completion.ts')
      process.stdout.write(completionScript(shell, boardcast))
    })
}
