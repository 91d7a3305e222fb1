/**
 * Says at once when Node is too old. Plain JavaScript in old syntax, importing nothing: an older Node must be able to read
 * it, and stops with a SyntaxError at what comes after it. The build runs it too.
 */
var version = process.versions.node.split('.').map(Number)
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  process.stderr.write(
    `boardcast: Node ${process.versions.node} is too old. Install Node 20.19 or newer, from https://nodejs.org.\n`,
  )
  process.exit(1)
}
