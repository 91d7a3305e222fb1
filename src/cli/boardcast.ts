import { setFlagsFromString } from 'node:v8'
import { Command, CommanderError } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { addCompletion } from './commands/completion.ts'
import { addConfig } from './commands/config.ts'
import { addCursor } from './commands/cursor.ts'
import { addDoctor } from './commands/doctor.ts'
import { addExpect } from './commands/expect.ts'
import { withNearest } from './commands/options.ts'
import { addPost } from './commands/post.ts'
import { addReplay } from './commands/replay.ts'
import { addSchema } from './commands/schema.ts'
import { addMaintenance, addServe } from './commands/server.ts'
import { addRecord, addTail } from './commands/tail.ts'
import { addToken } from './commands/token.ts'
import { addWait } from './commands/wait.ts'
import { addDemo, addRun } from './commands/work.ts'
import { CommandError, exitCode, exitFlushed, noteLostOutput } from './process/exit.ts'
import { applyProfile } from './settings/sources.ts'

// The files in commands/ only declare. What a command does is imported when it runs: `boardcast run` must start quickly
// and never load the server or SQLite.

const WITHOUT_PROFILE: ReadonlySet<string> = new Set(['config', 'completion', 'schema', 'help'])

/** `| head`: that is no failure. */
const READER_IS_GONE: ReadonlySet<string> = new Set(['EPIPE', 'ECONNRESET', 'ERR_STREAM_DESTROYED'])

/** They match regular expressions of the user against texts of anybody. */
const MATCHING: ReadonlySet<string> = new Set(['expect', 'tail', 'record'])

await start(process.argv)

async function start(argv: readonly string[]): Promise<void> {
  // Code that must react to an error here has its own listener.
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    if (!READER_IS_GONE.has(error.code ?? '')) reportLostOutput(error)
    process.stdout.on('error', () => {})
  })
  process.stderr.on('error', () => {})
  try {
    await program().parseAsync(argv)
  } catch (error) {
    await exitFlushed(report(error))
  }
}

function program(): Command {
  const boardcast = withNearest(new Command('boardcast'))
    .description('An event hub for boards that software agents work on.')
    .version(packageJson.version)
    .addHelpText(
      'after',
      `
"boardcast COMMAND --help" shows the options of a command. Names in capitals are
environment variables; options take precedence over them.

Exit codes: 0 done, 1 failed or refused, 2 wrong usage or settings, 3 time is up,
4 not authorised, 5 no server, 6 an event breaks its schema, 7 events are lost,
8 a program failed, 130 and 143 for Ctrl-C and SIGTERM. "run" exits with the code
of its program: 126 if it cannot be executed, 127 if it is not found, 128 plus the
number of the signal that ended it.`,
    )
    .enablePositionalOptions()
    .showHelpAfterError('(see boardcast --help for the commands)')
    .exitOverride()
    .helpCommand(false)
    // These show what is set, or need no settings.
    .hook('preAction', (_program, command) => {
      if (MATCHING.has(command.name())) matchInLinearTime()
      return WITHOUT_PROFILE.has(command.name()) ? undefined : applyProfile(command)
    })

  addServe(boardcast)
  addRun(boardcast)
  addDemo(boardcast)
  addPost(boardcast)
  addTail(boardcast)
  addRecord(boardcast)
  addReplay(boardcast)
  addWait(boardcast)
  addExpect(boardcast)
  addCursor(boardcast)
  addDoctor(boardcast)
  addToken(boardcast)
  addSchema(boardcast)
  addConfig(boardcast)
  addCompletion(boardcast)
  addMaintenance(boardcast)
  addHelp(boardcast)
  return boardcast
}

/** Commander's own answers an unknown command with the help of the program, and does not say why. */
function addHelp(boardcast: Command): void {
  boardcast
    .command('help')
    .description('display help for a command')
    .argument('[command]', 'the command')
    .action((name: string | undefined) => {
      const found = name === undefined ? boardcast : boardcast.commands.find((each) => each.name() === name)
      if (found) found.outputHelp()
      else boardcast.error(`error: unknown command '${name}'`)
    })
}

/** `^(a+)+$` on a long text would hold up the process for ever, and with it every time limit and signal. */
function matchInLinearTime(): void {
  setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks')
}

function reportLostOutput({ code, message }: NodeJS.ErrnoException): void {
  process.stderr.write(`boardcast: stdout cannot be written (${code ?? message}), so what it should hold is lost.\n`)
  noteLostOutput()
}

/** Prints the error, unless commander has already done so, and returns the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCode.done : exitCode.usage
  if (error instanceof CommandError) {
    process.stderr.write(`boardcast: ${error.message}\n`)
    return error.exitCode
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  process.stderr.write(`boardcast: unexpected failure, please report it: ${text}\n`)
  return exitCode.failed
}
