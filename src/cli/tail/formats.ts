/** How events can be printed: laid out for people, as JSON lines, or as they came. */
export const FORMATS = ['pretty', 'jsonl', 'raw'] as const
export type Format = (typeof FORMATS)[number]
