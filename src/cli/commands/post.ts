import { type Command, Option } from 'commander'
import type { PostOptions } from '../post/post.ts'
import { addOutputOptions, addServerOptions, duration, formatOption, subcommand } from './options.ts'

export function addPost(boardcast: Command): void {
  const timeout = new Option('--timeout <duration>', 'how long to go on trying while the server is busy or away')
  const command = subcommand(boardcast, 'post', [
    `boardcast post createCard boardId=demo title=Hello labels:='["bug"]'`,
    'boardcast post /cards/crd_123 --method PATCH title="A better title"',
    'boardcast post --list',
  ])
    .description('send one request to the API; the answer goes to stdout, its Event-Id to stderr')
    .usage('OPERATION|PATH [NAME=TEXT | NAME:=JSON]... [options] | --list')
    .argument('[operation]', 'its name, such as createCard; or a path, with or without /api/v1')
    .argument('[field...]', 'NAME=TEXT or NAME:=JSON, for the path, then for the query, then for the body')
    .option('--list', 'print all operations, with method, path and the events that each emits')
    .addOption(
      new Option('--method <method>', 'the method, with a path (default: POST)').choices([
        ...['POST', 'PUT', 'PATCH', 'DELETE', 'GET'],
      ]),
    )
    .option('--data <json>', 'the body: JSON, @FILE, or - for stdin; fields go over it')
    .option('--idempotency-key <key>', 'a request with the same key is done once (default: a new one)')
    .addOption(timeout.argParser(duration).default(10_000, '10s'))
    .addOption(formatOption())
  addServerOptions(addOutputOptions(command)).action(
    async (operation: string | undefined, fields: readonly string[], options: PostOptions) => {
      const { post } = await import('../post/post.ts')
      await post(operation, fields, options)
    },
  )
}
