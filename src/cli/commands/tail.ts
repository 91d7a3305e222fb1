import { type Command, Option } from 'commander'
import { exitFlushed } from '../process/exit.ts'
import { FORMATS } from '../tail/formats.ts'
import type { RecordOptions } from '../tail/record.ts'
import type { TailOptions } from '../tail/tail.ts'
import { addOutputOptions, addServerOptions, collected, duration, positiveNumber, subcommand } from './options.ts'

export function addTail(boardcast: Command): void {
  const command = subcommand(boardcast, 'tail', [
    "boardcast tail --board demo --type 'card_*' | jq -r .data.cardId",
    "boardcast tail --since 10m --until '*.failed' --timeout 1h",
  ])
    .description('print events as they come, or hand each one to a program')
    .usage('[--board ID | --channel C...] [--type GLOB...] [--where COND...] [--since START] [options]')
  addSelectionOptions(command)
    .option('--no-follow', 'end at the event that is newest now')
    .addOption(new Option('--format <format>', 'default: pretty on a terminal, otherwise jsonl').choices(FORMATS))
    .option('--cursor-file <file>', 'keep the id of the last event there, and go on from it after a restart')
    .option(
      '--exec <cmd>',
      'run CMD in a shell for each event, with the envelope on its stdin; prints only with --format',
    )
    .option('--forward-to <url>', 'POST each envelope to this address; prints only with --format')
  addServerOptions(addOutputOptions(command)).action(async (options: TailOptions) => {
    const { tail } = await import('../tail/tail.ts')
    await exitFlushed(await tail(options))
  })
}

export function addRecord(boardcast: Command): void {
  const command = subcommand(boardcast, 'record', [
    'boardcast record run.jsonl -- npm run agent',
    'boardcast record board.jsonl --board demo --since earliest --no-follow',
  ])
    .description('keep events in a file, for as long as a program runs')
    .usage('FILE [options] [-- CMD...]')
    .argument('<file>', 'file for the events, one JSON line each; it is replaced')
    .argument('[cmd...]', 'the program; everything from before its first event to its end is recorded')
  addSelectionOptions(command).option('--no-follow', 'end at the event that is newest now')
  addServerOptions(addOutputOptions(command)).action(
    async (file: string, cmd: readonly string[], options: Omit<RecordOptions, 'file' | 'cmd'>) => {
      const { record } = await import('../tail/record.ts')
      await exitFlushed(await record({ ...options, file, cmd }))
    },
  )
}

/** Which events, from where, and for how long: what `tail` and `record` share. */
export function addSelectionOptions(command: Command): Command {
  return command
    .addOption(new Option('--board <id>', 'events of this board, under their names there').conflicts('channel'))
    .option('--channel <name...>', 'channels to listen to; may hold commas (default: global)')
    .option('--type <glob...>', 'only events whose name fits, such as card.created or card.*; may hold commas')
    .option(
      '--where <cond...>',
      "only events that meet every COND: PATH, !PATH, or PATH=VALUE, such as 'card.title~^Hello'",
    )
    .option('--since <start>', 'now, earliest, an id, a duration such as 10m, or a time', 'now')
    .option('-n <number>', 'end after so many events', positiveNumber)
    .option('--until <glob>', 'end after the first event whose name fits; may be repeated', collected)
    .option('--timeout <duration>', 'end when the time is up', duration)
    .addOption(new Option('--transport <name>', 'what carries the stream').choices(['sse', 'ws']).default('sse'))
    .option('--strict', 'end when events are lost (7), break their schema (6), or are not taken (8)')
}
