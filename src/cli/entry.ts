/** The entry point. It checks the version of Node before it imports anything that an old Node could not parse. */
import './check-node.js'

import('./boardcast.ts').catch((error: NodeJS.ErrnoException) => {
  const missing = /^Cannot find (?:package|module) '([^']+)'/.exec(error.message)
  process.stderr.write(
    missing
      ? `boardcast: ${missing[1]} is missing. Run "npm ci" to install the dependencies, then "npm run build".\n`
      : `boardcast: unexpected failure, please report it: ${error.stack}\n`,
  )
  process.exitCode = 1
})
