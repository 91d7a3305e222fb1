import { type Command, Option } from 'commander'
import type { TokenOptions } from '../token/token.ts'
import { quietOption, subcommand } from './options.ts'

export function addToken(boardcast: Command): void {
  subcommand(boardcast, 'token', [
    "boardcast token --sub ann --subscribe '*' --publish board:demo --expires 12h",
    'printenv BOARDCAST_TOKEN | boardcast token --read -',
  ])
    .description('make a token for a server, or read one')
    .usage('--subscribe P... --publish P... [options] | --read TOKEN')
    .option('--subscribe <pattern...>', 'channels that the holder may listen to, such as board:demo or agent:*')
    .option('--publish <pattern...>', 'channels that the holder may change things on')
    .option('--admin', 'the holder may read the statistics and metrics of the server')
    .option('--sub <name>', 'who the holder is: named as the author of events')
    .option('--agent <id>', 'the holder speaks for this agent only')
    .option('--session <id>', 'the holder speaks for this session only')
    .option('--expires <duration>', 'how long the token is valid', '1h')
    .option('--key <pem>', 'file of a private key to sign with (default: the first secret of BOARDCAST_JWT_SECRET)')
    .addOption(
      new Option('--read <token>', 'print the claims of a token, or of the one on stdin (-)').conflicts([
        ...['subscribe', 'publish', 'admin', 'sub', 'agent', 'session', 'key'],
      ]),
    )
    .addOption(quietOption())
    .action(async (options: TokenOptions) => {
      const { token } = await import('../token/token.ts')
      await token(options)
    })
}
