/** Pseudo-random numbers from a seed, so that a failure can be reproduced. */
export interface Random {
  /** 0 to n-1. */
  below(n: number): number
  pick<T>(list: readonly T[]): T | undefined
  chance(probability: number): boolean
}

/** mulberry32. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    below: (n) => Math.floor(next() * n),
    pick: (list) => list[Math.floor(next() * list.length)],
    chance: (probability) => next() < probability,
  }
}

/** The seed of this run, or that in BOARDCAST_TEST_SEED; tests print it when they fail. */
export function chooseSeed(): number {
  return Number(process.env.BOARDCAST_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
}

/** How often to check a property, or as often as BOARDCAST_TEST_RUNS says: more often in the search for a rare failure. */
export function chooseRuns(usual: number): number {
  return Number(process.env.BOARDCAST_TEST_RUNS ?? usual)
}
