const FORMAT = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})

/** The local time of day, to the second. */
export function clock(time: Date): string {
  return Number.isNaN(time.getTime()) ? '' : FORMAT.format(time)
}
