/**
 * Tabs with tokens, in a real Chromium, against a server with rights on.
 *
 * CA7  Tabs of one holder share a stream; those of another have their own, and get nothing of it.
 */
import { expect, test } from 'vitest'
import { builtPage } from '../client/support/built-page.ts'
import { Tab } from '../client/support/tab.ts'
import { actingAs, seconds, startServerWithRights, tokenFor } from '../support/tokens.ts'

const built = builtPage()

test('[CA7] one leader for the tabs of one holder, and another for another holder', async () => {
  const server = await startServerWithRights()
  const { front, context } = await built.open(server)
  const owner = actingAs(server, await tokenFor(['*']))
  const post = (topic: string) => owner.post(`/topics/${topic}/events`, { event: topic, data: {} })
  const open = (auth: string, channels: string[]) =>
    Tab.open(context, front.url, { baseUrl: front.url, share: 'browser', auth, channels })
  const claims = { sub: 'me', exp: seconds(300) }
  const mine = await open(await tokenFor(['topic:*'], [], claims), ['topic:mine', 'topic:all'])
  await mine.role('leader')
  const mineToo = await open(await tokenFor(['topic:*'], [], { ...claims, exp: seconds(600) }), ['topic:all'])
  await mineToo.role('follower')
  const yours = await open(await tokenFor(['topic:all'], [], { sub: 'you' }), ['topic:all'])
  await yours.role('leader')
  expect(front.open).toBe(2)

  await post('mine')
  const { eventId } = await post('all')
  await Promise.all([mine, mineToo, yours].map((tab) => tab.id(eventId)))
  const heard = await Promise.all([mine, mineToo, yours].map((tab) => tab.heard()))
  expect(heard.map(({ events }) => events.map((event) => event.split('#')[0]))).toEqual([
    ['mine', 'all'],
    ['all'],
    ['all'],
  ])
  // No name of a lock tells the token, or whose it is.
  const names = await mine.page.evaluate(
    'navigator.locks.query().then(({ held }) => held.map(({ name }) => name).join())',
  )
  expect(names).not.toMatch(/eyJ|"me"|topic/)

  // The next leader of the same holder goes on with its own token.
  await mine.page.close()
  await mineToo.role('leader')
  const next = await post('all')
  await Promise.all([mineToo, yours].map((tab) => tab.id(next.eventId)))
  expect(front.open).toBe(2)
})
