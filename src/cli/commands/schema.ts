import { type Command, Option } from 'commander'
import type { SchemaOptions } from '../schema/schema.ts'
import { addOutputOptions, formatOption, subcommand } from './options.ts'

export function addSchema(boardcast: Command): void {
  const command = subcommand(boardcast, 'schema', [
    'boardcast schema card.created',
    'boardcast schema --channel board card_moved > card_moved.schema.json',
    'boardcast schema --out schemas',
    'boardcast schema openapi --version 3.1 > openapi.json',
  ])
    .description('print the JSON Schema of an event, or the OpenAPI or AsyncAPI document')
    .usage('NAME [--channel KIND] | openapi [--version 3.1] | asyncapi | --list | --out DIR | --coverage FILE')
    .argument('[name]', 'an event, such as card.created; or openapi, or asyncapi')
    .option('--channel <kind>', 'the event as this kind of channel shows it, such as board (default: global)')
    .option('--list', 'print the names of all events, and where each shows')
    .option('--out <dir>', 'write all schemas to this folder, as KIND/NAME.schema.json')
    .option('--coverage <file>', 'print which event types runs with BOARDCAST_COVERAGE=FILE have covered')
    .addOption(new Option('--version <version>', 'version of openapi: 3.2 or 3.1').default('3.2'))
    .addOption(formatOption())
  addOutputOptions(command).action(async (name: string | undefined, options: SchemaOptions) => {
    const { schema } = await import('../schema/schema.ts')
    await schema(name, options)
  })
}
