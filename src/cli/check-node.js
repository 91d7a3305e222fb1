/**
 * Exits with a clear message when Node is too old. This is plain JavaScript in old syntax without imports, because an old
 * Node must be able to parse it; it would fail on the rest of the program with a SyntaxError. The build runs it too.
 */
var version = process.versions.node.split('.').map(Number)
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  process.stderr.write(
    `boardcast: Node ${process.versions.node} is too old. Install Node 20.19 or newer, from https://nodejs.org.\n`,
  )
  process.exit(1)
}
