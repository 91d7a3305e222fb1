/** Names that no event of the catalogue has on some channels. */
import { globs } from '../../text/glob.ts'
import { nearest } from '../../text/nearest.ts'
import { kindsOf, namesOn } from './frame-schema.ts'

/** A sentence for each such name, with the nearest one that an event has. */
export function unknownNames(names: readonly string[], channels: readonly string[]): string[] {
  return [...new Set(names)].flatMap((name) => warningFor(name, channels))
}

/** `card.*` of `card.created` and `card_*` of `card_moved`; `*.created` and `*_moved` too. */
function families(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.flatMap((name) => [name.replace(/(?<=[._]).*/, '*'), name.replace(/.*(?=[._])/, '*')]))
}

function warningFor(name: string, channels: readonly string[]): string[] {
  const kinds = kindsOf(channels)
  // On a topic all names are the clients' own.
  if (kinds.has('topic')) return []
  const known = [...kinds].flatMap(namesOn)
  if (known.some(globs([name]))) return []
  const isFamily = /^[^*]+[._]\*$|^\*[._][^*]+$/.test(name)
  const near = isFamily ? nearest(name, families(known)) : name.includes('*') ? undefined : nearest(name, known)
  const hint = near === undefined ? '' : `; did you mean ${near}?`
  return [`no event on ${channels.join(', ')} is named ${name}, unless a client posts one${hint}`]
}
