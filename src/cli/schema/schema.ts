/** `boardcast schema`: JSON Schemas of events, and the documents that describe the API. No server is needed. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  eventList,
  eventSchema,
  eventSchemaText,
  type ListedEvent,
  OPENAPI_VERSIONS,
  renderAsyncApi,
  renderOpenApi,
} from '../../contract/index.ts'
import { jsonLine } from '../../text/json-line.ts'
import { nearest } from '../../text/nearest.ts'
import { CommandError, exitCode, usageError } from '../process/exit.ts'
import { type Data, dataOutput, type OutputOptions, talk as talkOf } from '../process/output.ts'
import { writeCoverage } from './coverage.ts'
import { DOCUMENTS } from './documents.ts'

export interface SchemaOptions extends OutputOptions {
  /** A kind, not a channel. */
  readonly channel?: string
  readonly list?: boolean
  readonly out?: string
  readonly coverage?: string
  readonly version: string
}

/** Throws a usage error for a name that is not known. */
export async function schema(name: string | undefined, options: SchemaOptions): Promise<void> {
  const { channel, list, out, coverage } = options
  const data = dataOutput(options)
  const asked = [name !== undefined, list === true, out !== undefined, coverage !== undefined]
  if (asked.filter(Boolean).length !== 1) {
    throw usageError(
      'use one of these: the name of an event, openapi, asyncapi, --list, --out DIR, or --coverage FILE.',
    )
  }
  const document = DOCUMENTS.find((each) => each === name)
  if (channel !== undefined) checkKind(channel)
  if (coverage !== undefined) return writeCoverage(coverage, data)
  if (document !== undefined) return data.write(documentText(document, options, data))
  if (list) return writeList(listed(channel), data)
  if (out !== undefined) return writeAll(listed(channel), out, options)
  return data.write(`${laidOut(schemaOf(name ?? '', channel), data)}\n`)
}

/** Where data is for programs, these are the very bytes that a server answers. */
function documentText(document: (typeof DOCUMENTS)[number], { version, channel }: SchemaOptions, data: Data): string {
  if (channel !== undefined) throw usageError('--channel belongs to the name of an event, --list and --out.')
  const known = OPENAPI_VERSIONS.find((each) => each === version)
  if (known === undefined) throw usageError(`--version ${version}: it can be ${OPENAPI_VERSIONS.join(' or ')}.`)
  const text = document === 'openapi' ? renderOpenApi(known) : renderAsyncApi()
  return data.isLaidOut ? `${JSON.stringify(JSON.parse(text), null, 2)}\n` : text
}

function laidOut(value: unknown, { isLaidOut }: Data): string {
  return isLaidOut ? JSON.stringify(value, null, 2) : jsonLine(value)
}

function schemaOf(name: string, kind = 'global') {
  const found = eventSchema(kind, name)
  if (found !== undefined) return found
  const elsewhere = eventList().filter((event) => event.name === name)
  if (elsewhere.length > 0) {
    const kinds = elsewhere.map((event) => event.kind)
    throw usageError(`${name} is no event of ${kind}. Use --channel ${kinds.join(' or --channel ')}.`)
  }
  const names = listed(kind).map((event) => event.name)
  const known = kind === 'global' ? [...names, ...DOCUMENTS] : names
  throw usageError(`there is no event ${name} on ${kind}. Did you mean ${nearest(name, known)}?`)
}

function listed(kind: string | undefined): readonly ListedEvent[] {
  return kind === undefined ? eventList() : eventList().filter((event) => event.kind === kind)
}

function checkKind(kind: string): void {
  const kinds = [...new Set(eventList().map((event) => event.kind))]
  if (kinds.includes(kind)) return
  // board:demo, as other commands take it.
  const near = kinds.find((each) => kind.startsWith(`${each}:`)) ?? nearest(kind, kinds)
  throw usageError(`--channel ${kind}: it can be ${kinds.join(', ')}. Did you mean ${near}?`)
}

async function writeList(events: readonly ListedEvent[], data: Data): Promise<void> {
  const kindWidth = Math.max(...events.map(({ kind }) => kind.length))
  const nameWidth = Math.max(...events.map(({ name }) => name.length))
  for (const { kind, name, type, summary } of events) {
    const row = `${data.paint('dim', kind.padEnd(kindWidth))}  ${name.padEnd(nameWidth)}  ${data.paint('dim', summary)}`
    await data.write(
      `${data.isLaidOut ? data.fit(row) : jsonLine({ channel: kind, name, ...(type && { type }), summary })}\n`,
    )
  }
}

function writeAll(events: readonly ListedEvent[], folder: string, options: OutputOptions): void {
  try {
    for (const { kind, name } of events) {
      makeFolder(join(folder, kind))
      writeFileSync(join(folder, kind, `${name}.schema.json`), eventSchemaText(kind, name) ?? '')
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    throw new CommandError(exitCode.failed, `--out ${folder} cannot be written (${code}). Name another folder.`)
  }
  talkOf(options).info(`wrote ${events.length} schemas to ${folder}`)
}

/** As `mkdirSync` with `recursive`, which never returns where a folder refuses to hold others (`/proc`). */
function makeFolder(path: string): void {
  if (existsSync(path)) return
  if (!existsSync(dirname(path))) makeFolder(dirname(path))
  mkdirSync(path)
}
