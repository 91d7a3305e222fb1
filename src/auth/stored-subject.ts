/** Subjects as JSON, for tickets. */
import { ChannelPatterns } from '../base/channel-patterns.ts'
import type { Subject } from './subject.ts'

interface StoredSubject extends Omit<Subject, 'subscribe' | 'publish' | 'expiresAt'> {
  readonly subscribe: readonly string[]
  readonly publish: readonly string[]
  /** null: never. */
  readonly expiresAt: number | null
}

export function subjectToJson(subject: Subject): string {
  const { subscribe, publish, expiresAt } = subject
  return JSON.stringify({
    ...subject,
    subscribe: patternsOf(subscribe),
    publish: patternsOf(publish),
    expiresAt: Number.isFinite(expiresAt) ? expiresAt : null,
  } satisfies StoredSubject)
}

/** `json` is what `subjectToJson` returned. */
export function subjectFromJson(json: string): Subject {
  const stored = JSON.parse(json) as StoredSubject
  return {
    ...stored,
    subscribe: ChannelPatterns.of(stored.subscribe),
    publish: ChannelPatterns.of(stored.publish),
    expiresAt: stored.expiresAt ?? Infinity,
  }
}

/** Texts of patterns that match the same channels. No pattern holds a comma. */
export function patternsOf({ key }: ChannelPatterns): string[] {
  return key === '' ? [] : key.split(',')
}
