/** The epoch of a database file. */
import { plainEpoch } from '../lost-epoch.ts'
import { keepServersOff, nameFile, refuseMissing } from './named-file.ts'
import { openOurs } from './our-database.ts'

/** Resolves to the epoch; `fresh` is stored in its place, while no server runs. Rejects with DatabaseRefused. */
export async function sqliteEpoch(given: string, fresh?: string): Promise<string> {
  const file = nameFile(given, '')
  refuseMissing(file)
  const unused = fresh === undefined ? undefined : await keepServersOff(file)
  try {
    const sqlite = openOurs(file.path)
    try {
      if (fresh !== undefined) sqlite.prepare("UPDATE meta SET value = ? WHERE name = 'epoch'").run(fresh)
      const epoch = sqlite.prepare("SELECT value FROM meta WHERE name = 'epoch'").pluck().get()
      if (typeof epoch !== 'string') throw new Error('it has no epoch yet: start a server on it once')
      return plainEpoch(epoch)
    } finally {
      sqlite.close()
    }
  } catch (error) {
    throw file.refuse('cannot be used', error)
  } finally {
    unused?.release()
  }
}
