import { type Command, Option } from 'commander'
import type { DoctorOptions } from '../doctor/doctor.ts'
import { exitFlushed } from '../process/exit.ts'
import { addOutputOptions, addServerOptions, subcommand } from './options.ts'

export function addDoctor(boardcast: Command): void {
  const command = subcommand(boardcast, 'doctor', [
    'boardcast doctor https://board.example.com',
    `boardcast doctor --full --format json | jq 'select(.verdict == "fail")'`,
  ])
    .description('measure the road to a server, and name what is in the way')
    .usage('[URL] [--full] [options]')
    .argument('[url]', 'address of the server, as its clients use it; as --url')
    .option('--full', 'watch for 75 s whether streams are cut, not only until a heartbeat has come')
    .addOption(
      new Option('--format <format>', 'default: pretty on a terminal, otherwise a JSON line for each probe').choices([
        'pretty',
        'json',
      ]),
    )
  addServerOptions(addOutputOptions(command)).action(async (url: string | undefined, options: DoctorOptions) => {
    const { doctor } = await import('../doctor/doctor.ts')
    await exitFlushed(await doctor(url === undefined ? options : { ...options, url }))
  })
}
