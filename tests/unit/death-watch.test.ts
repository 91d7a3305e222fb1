/** When a node counts as dead. Rules N9b and N9c. */
import { describe, expect, test } from 'vitest'
import { DeathWatch } from '../../src/jobs/death-watch.ts'

/** Looks once per second; `at` says what is seen then. */
function deathsOver(seconds: number, at: (second: number) => { seenAt: number; hasLock: boolean } | 'away' | 'paused') {
  const watch = new DeathWatch()
  const deaths: number[] = []
  for (let second = 0; second <= seconds; second++) {
    const seen = at(second)
    if (seen === 'away') watch.interrupt()
    else if (seen !== 'paused' && watch.look(second * 1_000, [{ session: 'a', ...seen }]).has('a')) deaths.push(second)
  }
  return deaths
}

describe('a node is dead', () => {
  test('[N9b] when its lock was free for 2 s', () => {
    expect(deathsOver(6, (second) => ({ seenAt: second, hasLock: second < 3 }))).toEqual([5, 6])
  })

  test('[N9b] not when its lock was taken again', () => {
    expect(deathsOver(9, (second) => ({ seenAt: second, hasLock: second % 3 === 0 }))).toEqual([])
  })

  test('[N9b] when its lease was not renewed for 10 s, lock or not', () => {
    expect(deathsOver(15, (second) => ({ seenAt: Math.min(second, 4), hasLock: true }))).toEqual([14, 15])
  })

  test('[N9b] not when it was renewed, however seldom', () => {
    expect(deathsOver(40, (second) => ({ seenAt: Math.floor(second / 9), hasLock: true }))).toEqual([])
  })

  test('[N9c] time in which the database was away does not count', () => {
    expect(deathsOver(25, (second) => (second % 9 === 8 ? 'away' : { seenAt: 0, hasLock: true }))).toEqual([])
    expect(deathsOver(9, (second) => (second % 2 === 0 ? 'away' : { seenAt: 0, hasLock: false }))).toEqual([])
  })

  test('[N9c] nor does time in which the observer was paused', () => {
    const pausedFrom3To60 = (second: number) =>
      second > 3 && second < 60 ? 'paused' : { seenAt: Math.min(second, 3), hasLock: false }
    expect(deathsOver(61, (second) => pausedFrom3To60(second))).toEqual([2, 3])
    expect(
      deathsOver(62, (second) => (second < 3 ? { seenAt: second, hasLock: true } : pausedFrom3To60(second))),
    ).toEqual([62])
  })

  test('[N9b] each for itself', () => {
    const watch = new DeathWatch()
    for (let second = 0; second <= 3; second++) {
      const nodes = ['a', 'b', 'c'].map((session) => ({ session, seenAt: second, hasLock: session !== 'b' }))
      const dead = watch.look(second * 1_000, nodes)
      expect([...dead]).toEqual(second < 2 ? [] : ['b'])
    }
  })
})
