/** What the demo's agents write into their conversations. */

/** At the start; `%` stands for the file to begin with. */
export const openings = [
  'Let me look at % first and find out who calls it.',
  'I will reproduce this with a failing test in %, then fix it.',
  'Starting from % — the tests there should tell me what is promised today.',
  'I will read % and its neighbours before I change anything.',
] as const

export const thoughts = [
  'Two callers rely on the old order. A small adapter keeps them working, so nothing else has to change today.',
  'The straightforward fix moves the check, but then the error path would skip the audit entry. Better to make the check first and keep one way out.',
  'This looks like a race at first, but the timestamps in the log say otherwise: the second request starts only after the first has failed.',
  'There is a helper for this already. Using it removes more lines than I add, and its tests cover the edge with empty input.',
] as const

export const closings = [
  'Done. The change is small, the new test fails without it, and everything else is green.',
  'Ready for review. I left the public interface as it was and noted one follow-up in the description.',
  'All green. I split it into two commits so that the move and the change can be read apart.',
] as const

export const excuses = [
  'One of the old tests disagrees with the new behaviour, and it is right: an empty basket must stay free of charge. I will take another road.',
  'The fixture assumes a time zone. I ran out of budget before I could untangle it; the next attempt should start there.',
  'The migration passes on an empty database and fails on a filled one. Stopping here instead of guessing.',
] as const
