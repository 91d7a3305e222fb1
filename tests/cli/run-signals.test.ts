/**
 * Every signal that would end `boardcast run` also ends the program and the attempt.
 *
 * RUN19  A signal whose default action is to end us reaches the program, is reported and gives 128+n; a program that goes on
 *        is killed ten seconds later, or by a second signal.
 * RUN20  SIGTSTP stops the program with us, and SIGCONT lets both go on.
 */
import { readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { boardcast } from './support/program.ts'
import { runOnNewBoard } from './support/run.ts'
import { startHub } from './support/server.ts'

let hub: Awaited<ReturnType<typeof startHub>>
beforeAll(async () => {
  hub = await startHub()
})
afterAll(() => hub[Symbol.asyncDispose]())

const signals = [
  ...['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGVTALRM'],
  ...['SIGPROF', 'SIGXCPU', 'SIGABRT', 'SIGTRAP', 'SIGSYS', 'SIGIO', 'SIGPWR', 'SIGSTKFLT'],
] as readonly NodeJS.Signals[]

test.each(signals)('[RUN19] %s ends the program, and the attempt records it', async (signal) => {
  const run = runOnNewBoard(hub, ['sh', '-c', 'ulimit -c 0; echo ready; exec sleep 1000'])
  await run.program.until(() => run.program.stdout().includes('ready'))
  run.program.kill(signal)
  const code = 128 + constants.signals[signal]
  expect(await run.program.ended).toBe(code)
  expect(await run.attempt()).toMatchObject({ status: 'stopped', exitCode: code, error: `stopped by ${signal}` })
  expect(run.program.stderr()).not.toContain('Debugger')
})

test('[RUN19] kills a program that has not ended ten seconds after the signal', async () => {
  const run = runOnNewBoard(hub, ['sh', '-c', 'trap "echo heard" QUIT; echo ready; while :; do sleep 0.1; done'])
  await run.program.until(() => run.program.stdout().includes('ready'))
  run.program.kill('SIGQUIT')
  await run.program.until(() => run.program.stdout().includes('heard'))
  expect(await run.program.ended).toBe(137)
  expect(await run.attempt()).toMatchObject({ status: 'stopped', exitCode: 137, error: 'stopped by SIGQUIT' })
})

test('[RUN19] [CMD5] a second signal kills a program that continues; the same one twice at once counts once', async () => {
  const run = runOnNewBoard(hub, ['sh', '-c', 'trap "echo heard" TERM; echo ready; while :; do sleep 0.1; done'])
  await run.program.until(() => run.program.stdout().includes('ready'))
  run.program.kill('SIGTERM')
  run.program.kill('SIGTERM')
  await run.program.until(() => run.program.stdout().includes('heard'))
  await expect.poll(async () => (await run.attempt()).status, { timeout: 20_000 }).toBe('stopping')
  const since = performance.now()
  const again = setInterval(() => run.program.kill('SIGTERM'), 200)
  expect(await run.program.ended).toBe(137)
  clearInterval(again)
  expect(performance.now() - since).toBeLessThan(8_000) // ten seconds without the second signal
  expect(await run.attempt()).toMatchObject({ status: 'stopped', exitCode: 137, error: 'stopped by SIGTERM' })
})

test('[RUN19] when the reader goes away, the program ends by a broken pipe and the attempt is reported', async () => {
  const run = runOnNewBoard(hub, ['yes'])
  await run.program.until(() => run.program.stdout().includes('y\n'))
  run.program.closeStdout()
  expect(await run.program.ended).toBe(141)
  expect(await run.attempt()).toMatchObject({ status: 'failed', exitCode: 141, error: 'killed by SIGPIPE' })
})

test('[RUN20] SIGTSTP stops the program and `run`, SIGCONT continues both', async () => {
  const run = runOnNewBoard(hub, ['sh', '-c', 'echo $$; while :; do sleep 0.05; done'])
  await run.program.until(() => run.program.stdout().includes('\n'))
  const pids = [run.program.pid, Number(run.program.stdout().toString())]
  run.program.kill('SIGTSTP')
  await expect.poll(() => pids.map(stateOf), { timeout: 20_000 }).toEqual(['T', 'T'])
  run.program.kill('SIGCONT')
  await expect.poll(() => pids.map(stateOf).includes('T'), { timeout: 20_000 }).toBe(false)
  run.program.kill('SIGTERM')
  expect(await run.program.ended).toBe(143)
})

test('[RUN19] `demo` ends in the same way, and no attempt stays running', async () => {
  const program = boardcast(['demo', '--url', hub.url, '--board', 'quit', '--speed', '20'])
  await program.until(() => program.stdout().includes('stream:'))
  program.kill('SIGQUIT')
  expect(await program.ended).toBe(131)
  const cards = await hub.cards('quit')
  for (const { attempt } of cards) expect(attempt?.status).not.toBe('running')
})

/** `T` means stopped. */
function stateOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? ''
}
