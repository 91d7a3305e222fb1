/** What the commands' declarations share. A declaration imports no command: a command's file is loaded when it runs. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../../text/duration.ts'
import { nearest } from '../../text/nearest.ts'

/** Two of them, at least: they are what people read first. */
export function subcommand(parent: Command, name: string, examples: readonly string[]): Command {
  const command = parent
    .command(name)
    .showHelpAfterError(`(see boardcast ${name} --help for its options)`)
    .addHelpText('after', ['', 'Examples:', ...examples.map((example) => `  ${example}`)].join('\n'))
  return withNearest(command)
}

/** Names the nearest known option or command, however far it is. Commander gives up early. */
export function withNearest(command: Command): Command {
  return command.configureOutput({
    outputError: (text, write) => write(text.includes('Did you mean') ? text : text + hintFor(text, command)),
  })
}

function hintFor(text: string, command: Command): string {
  const [, kind, name = ''] = /^error: unknown (option|command) '([^']*)'/.exec(text) ?? []
  const options = command.options.flatMap(({ long }) => long ?? [])
  const commands = command.commands.map((each) => each.name())
  const near = kind === undefined ? undefined : nearest(name, kind === 'option' ? ['--help', ...options] : commands)
  return near === undefined ? '' : `(Did you mean ${near}?)\n`
}

export function urlOption(): Option {
  return new Option(
    '--url <url>',
    'address of the server (BOARDCAST_URL, default http://127.0.0.1 and PORT, otherwise 3000)',
  )
}

export function tokenOption(): Option {
  return new Option('--token <token>', 'access token; @FILE reads it from a file (BOARDCAST_TOKEN)')
}

export function profileOption(): Option {
  return new Option('--profile <name>', 'profile of settings to use (BOARDCAST_PROFILE, default: the one in the file)')
}

/** For a command that speaks to a server. */
export function addServerOptions(command: Command): Command {
  return command
    .addOption(urlOption())
    .addOption(tokenOption())
    .addOption(profileOption())
    .option('--wait-server <duration>', 'how long a server may take to start (default: 0s)', duration)
}

export function quietOption(): Option {
  return new Option('-q, --quiet', 'only errors on stderr')
}

/** For a command that prints data or says something in colour. */
export function addOutputOptions(command: Command): Command {
  return command
    .addOption(quietOption())
    .option('--color', 'colours, also on a pipe (FORCE_COLOR; default: on a terminal)')
    .option('--no-color', 'no colours (NO_COLOR)')
}

/** For a command whose data is JSON. */
export function formatOption(): Option {
  return new Option('--format <format>', 'default: pretty on a terminal, otherwise jsonl').choices(['pretty', 'jsonl'])
}

/** In milliseconds. */
export function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined) throw new InvalidArgumentError('Expected a duration: 250ms, 10s, 5m, 1h or 7d.')
  return ms
}

export function positiveNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected a whole number above 0, such as 10.')
  return Number(text)
}

/** An option that may be repeated. */
export function collected(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value]
}
