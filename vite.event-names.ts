/**
 * The routes of the catalogue's events for the client library, inserted while it is built: the catalogue itself would bring
 * its validators into the page. A row has the names of events that show on the same channels, and these channels: kind,
 * field of the payload with the id, and for `*` the fields that are null.
 *
 * Only channels that a stream may name after one that shows the event under the same name are among them
 * (web/client/base/channel-order.ts).
 */
import { catalogue, type Destination, type Entry } from './shared/src/catalogue.ts'
import { CONTROL, EVERYONE, SNAPSHOT, UNSTORED } from './shared/src/protocol.ts'
import { placeInOrder } from './web/client/base/channel-order.ts'

type Row = readonly [kind: string, field?: string | null, areNull?: readonly string[]]

/** On `global` and on the channels that it was announced to. */
const HEARTBEAT: readonly Row[] = [['global'], ['agent', 'agent_id']]

const MARK = 'the id of the channel'

const rows = new Map<string, Map<string, Row>>()
for (const [type, entry] of Object.entries<Entry>(catalogue)) {
  if (entry.isPosted) continue
  rowsOf(type)
  for (const destination of entry.to) addRoutes(type, entry, destination)
}
for (const row of HEARTBEAT) rowsOf(UNSTORED.agentHeartbeat).set(JSON.stringify(row), row)
for (const name of [...Object.values(CONTROL), ...Object.values(SNAPSHOT)]) rowsOf(name)

function rowsOf(name: string): Map<string, Row> {
  let found = rows.get(name)
  if (!found) {
    found = new Map()
    rows.set(name, found)
  }
  return found
}

function addRoutes(type: string, entry: Entry, destination: Destination): void {
  const { channel, event, silent, when } = destination
  const found = rowsOf(event)
  if (silent) return
  const others = entry.to.filter((other) => other !== destination && !other.silent && other.event === event)
  const carriers = [...others.map((other) => other.channel), ...(event === type ? ['global'] : [])]
  if (event === type && others.concat(destination).some((one) => comesBefore(one.channel, 'global')))
    add(found, ['global'])
  if (channel === EVERYONE) add(found, [EVERYONE, null, when && 'areNull' in when ? when.areNull : []])
  else if (carriers.some((carrier) => carrier === channel || comesBefore(carrier, channel))) {
    add(found, [channel, fieldShown(entry, destination)])
  }
}

function add(found: Map<string, Row>, row: Row): void {
  found.set(JSON.stringify(row), row)
}

function comesBefore(one: string, other: string): boolean {
  return placeInOrder(one) <= placeInOrder(other) && one !== EVERYONE
}

/** The name that the id's field has in the payload that the destination shows. */
function fieldShown({ example }: Entry, { field, data }: Destination): string | null {
  if (field === undefined || !data) return field ?? null
  const marked = data({ ...example, [field]: MARK })
  return Object.keys(marked).find((name) => marked[name] === MARK) ?? field
}

const groups = new Map<string, string[]>()
for (const [name, found] of rows) {
  const key = JSON.stringify([...found.values()])
  groups.set(key, [...(groups.get(key) ?? []), name])
}

export const eventNames = {
  __EVENT_ROUTES__: `[${[...groups].map(([key, names]) => `[${JSON.stringify(names.join(' '))},${key}]`).join(',')}]`,
}
