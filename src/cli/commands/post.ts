import { type Command, Option } from 'commander'
import type { PostOptions } from '../post/post.ts'
import { addOutputOptions, addServerOptions, duration, subcommand } from './options.ts'

export function addPost(boardcast: Command): void {
  const timeout = new Option('--timeout <duration>', 'how long to go on trying while the server is busy or away')
  const command = subcommand(boardcast, 'post', [
    `boardcast post /boards/demo/cards title=Hello labels:='["bug"]'`,
    'boardcast post /cards/crd_123 --method PATCH title="A better title"',
  ])
    .description('send one request to the API; the answer goes to stdout, its Event-Id to stderr')
    .usage('PATH [NAME=TEXT | NAME:=JSON]... [options]')
    .argument('<path>', 'with or without /api/v1; :NAME and {NAME} are filled from the fields')
    .argument('[field...]', 'NAME=TEXT or NAME:=JSON, for the path, then for the body, or for the query of a DELETE')
    .addOption(
      new Option('--method <method>', 'the method').choices(['POST', 'PUT', 'PATCH', 'DELETE', 'GET']).default('POST'),
    )
    .option('--data <json>', 'the body: JSON, @FILE, or - for stdin; fields go over it')
    .option('--idempotency-key <key>', 'a request with the same key is done once (default: a new one)')
    .addOption(timeout.argParser(duration).default(10_000, '10s'))
  addServerOptions(addOutputOptions(command)).action(
    async (path: string, fields: readonly string[], options: PostOptions) => {
      const { post } = await import('../post/post.ts')
      await post(path, fields, options)
    },
  )
}
