import { type Command, Option } from 'commander'
import type { ExpectOptions } from '../expect/options.ts'
import { exitFlushed } from '../process/exit.ts'
import { addOutputOptions, addServerOptions, collected, duration, subcommand } from './options.ts'

export function addExpect(boardcast: Command): void {
  const given: Array<{ option: string; value: string }> = []
  // These belong to each other by their order on the command line.
  const step = (option: string) => (value: string) => {
    given.push({ option, value })
    return value
  }
  const command = subcommand(boardcast, 'expect', [
    "boardcast expect --type card.created --where card.title~^Hello --absent '*.failed' -- ./work",
    'SINCE=$(boardcast cursor); ./work; boardcast expect --since $SINCE --file s.yaml',
  ])
    .description('assert which events come while a program runs, or which have come')
    .usage('(--type GLOB | --absent GLOB | --file S.yaml)... [--since ID] [--within D] [options] [-- CMD...]')
    .argument('[cmd...]', 'the program and its arguments; no shell interprets them')
    .addOption(new Option('--board <id>', 'events of this board, under their names there').conflicts('channel'))
    .option('--channel <name...>', 'channels to listen to; may hold commas (default: global)')
    .option('--since <id>', 'judge the log from this event on; without --within and CMD it does not wait')
    .option('--within <duration>', 'how long missing events may take (default: 10s)', duration)
    .option('--settle <duration>', 'how long to watch for what must not come at the end (default: 1s)', duration)
    .addOption(
      new Option(
        '--order <order>',
        'subset: in this order, others between; exact: these alone; any (default: subset)',
      ).choices(['subset', 'exact', 'any']),
    )
    .option('--only <glob>', 'with --order exact: further types that count; may be repeated', collected)
    .option('--type <glob>', 'an event to expect, such as card.created or card.*', step('type'))
    .option('--absent <glob>', 'an event that must not come', step('absent'))
    .option('--where <cond>', 'condition on the event before it: PATH, !PATH or PATH=VALUE; ~ < > too', step('where'))
    .option('--count <number>', 'how many: N, N+, N..M or ..M (default: 1+)', step('count'))
    .option('--name <text>', 'name of the expectation before it, for reports', step('name'))
    .option('--file <yaml>', 'scenario; may be repeated, each is a suite', collected)
    .option('--junit <file>', 'write a JUnit report')
    .addOption(new Option('--format <format>', 'json: the verdict on stdout').choices(['pretty', 'json']))
    .addOption(
      new Option('--annotate <where>', 'annotations for failures (default: if GITHUB_ACTIONS is true)').choices([
        'github',
      ]),
    )
  addServerOptions(addOutputOptions(command))
    .passThroughOptions()
    .action(async (cmd: string[], options: Omit<ExpectOptions, 'cmd' | 'given' | 'ofProfile'>, command: Command) => {
      const names = Object.keys(options)
      const ofProfile = new Set(names.filter((name) => command.getOptionValueSource(name) === 'config'))
      const { expect } = await import('../expect/expect.ts')
      await exitFlushed(await expect({ ...options, cmd, given, ofProfile }))
    })
}
