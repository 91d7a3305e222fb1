/** Where the program begins. Nothing is imported before it is known that this Node can read it. */
import './check-node.js'

import('./boardcast.ts').catch((error: NodeJS.ErrnoException) => {
  const missing = /^Cannot find (?:package|module) '([^']+)'/.exec(error.message)
  process.stderr.write(
    missing
      ? `boardcast: ${missing[1]} is missing. Run "npm ci" for what the program needs, then "npm run build" for the program itself.\n`
      : `boardcast: unexpected failure, please report it: ${error.stack}\n`,
  )
  process.exitCode = 1
})
