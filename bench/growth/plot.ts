/**
 * Plots as SVG: panels side by side with logarithmic axes, so proportional growth is a slope and no growth is a level line.
 * Readable on light and dark pages; lines differ in dashes and marks as well as in colour.
 */

export interface Series {
  readonly title: string
  /** Ascending in x; both above 0. */
  readonly points: ReadonlyArray<readonly [x: number, y: number]>
}

export interface Panel {
  /** Label of the y axis, with its unit. */
  readonly title: string
  readonly series: readonly Series[]
}

export interface Plot {
  readonly title: string
  readonly description: string
  /** Label of the x axis. */
  readonly axis: string
  readonly panels: readonly Panel[]
}

const COLUMNS = 3
const WIDTH = 320
const HEIGHT = 270
/** Edges of the plot area within a panel. */
const LEFT = 48
const RIGHT = 24
const TOP = 34
const BOTTOM = 76
const PLANE_WIDTH = WIDTH - LEFT - RIGHT
const PLANE_HEIGHT = HEIGHT - TOP - BOTTOM

const STYLE = `
    .paper { fill: #ffffff; stroke: #c9d3d1 }
    .grid { stroke: #dde4e2; stroke-width: 1 }
    text { fill: #17211f; font-size: 12px }
    .head { font-weight: 600; font-size: 13px }
    .quiet { fill: #4b5d5a; font-size: 11px }
    .line { fill: none; stroke-width: 2 }
    .s0 { stroke: #0f5f58 } .s1 { stroke: #9a5b00; stroke-dasharray: 7 4 } .s2 { stroke: #5b4ba8; stroke-dasharray: 2 4 }
    .m0 { fill: #0f5f58 } .m1 { fill: #9a5b00 } .m2 { fill: #5b4ba8 }
    @media (prefers-color-scheme: dark) {
      .paper { fill: #141b1a; stroke: #33423f }
      .grid { stroke: #27332f }
      text { fill: #e6eeec }
      .quiet { fill: #a9bab6 }
      .s0 { stroke: #58b8a8 } .s1 { stroke: #e0a650 } .s2 { stroke: #a79bea }
      .m0 { fill: #58b8a8 } .m1 { fill: #e0a650 } .m2 { fill: #a79bea }
    }`

export function renderPlot({ title, description, axis, panels }: Plot): string {
  const rows = Math.ceil(panels.length / COLUMNS)
  const columns = Math.min(panels.length, COLUMNS)
  const body = panels.map((panel, at) => {
    const x = (at % COLUMNS) * WIDTH
    const y = Math.floor(at / COLUMNS) * HEIGHT
    return `  <g transform="translate(${x} ${y})">\n${renderPanel(panel, axis)}\n  </g>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${columns * WIDTH} ${rows * HEIGHT}" role="img" aria-labelledby="title desc" font-family="ui-sans-serif, system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif">
  <title id="title">${escaped(title)}</title>
  <desc id="desc">${escaped(description)}</desc>
  <style>${STYLE}
  </style>
${body.join('\n')}
</svg>
`
}

function renderPanel({ title, series }: Panel, axis: string): string {
  const points = series.flatMap((one) => one.points)
  const across = decades(points.map(([x]) => x))
  const up = decades(points.map(([, y]) => y))
  const placeX = (x: number) => LEFT + share(across, x) * PLANE_WIDTH
  const placeY = (y: number) => TOP + (1 - share(up, y)) * PLANE_HEIGHT
  const lines = [
    `<rect class="paper" x="4" y="4" width="${WIDTH - 8}" height="${HEIGHT - 8}" rx="6"/>`,
    text('head', 14, 24, title),
    ...powers(across).map((x) => vertical(placeX(x), x)),
    ...powers(up).map((y) => horizontal(placeY(y), y)),
    text('quiet', LEFT + PLANE_WIDTH / 2, TOP + PLANE_HEIGHT + 30, axis, 'middle'),
    ...series.flatMap((one, nth) => [
      `<path class="line s${nth}" d="${path(one.points.map(([x, y]) => [placeX(x), placeY(y)]))}"/>`,
      ...one.points.map(([x, y]) => mark(nth, placeX(x), placeY(y))),
    ]),
    ...legend(series),
  ]
  return lines.map((line) => `    ${line}`).join('\n')
}

/** The powers of ten around all values, as exponents. */
function decades(values: readonly number[]): { readonly from: number; readonly to: number } {
  const logs = values.map((value) => Math.log10(value))
  const from = Math.floor(Math.min(...logs) + 1e-9)
  return { from, to: Math.max(from + 1, Math.ceil(Math.max(...logs) - 1e-9)) }
}

function share({ from, to }: { readonly from: number; readonly to: number }, value: number): number {
  return (Math.log10(value) - from) / (to - from)
}

function powers({ from, to }: { readonly from: number; readonly to: number }): number[] {
  return Array.from({ length: to - from + 1 }, (_, nth) => 10 ** (from + nth))
}

function vertical(x: number, value: number): string {
  const end = TOP + PLANE_HEIGHT
  return `<path class="grid" d="M${at(x)} ${TOP}V${end}"/>${text('quiet', x, end + 15, short(value), 'middle')}`
}

function horizontal(y: number, value: number): string {
  return `<path class="grid" d="M${LEFT} ${at(y)}H${LEFT + PLANE_WIDTH}"/>${text('quiet', LEFT - 6, y + 4, short(value), 'end')}`
}

function path(points: ReadonlyArray<readonly [number, number]>): string {
  return points.map(([x, y], nth) => `${nth === 0 ? 'M' : 'L'}${at(x)} ${at(y)}`).join('')
}

/** A disc, a square or a triangle. */
function mark(nth: number, x: number, y: number): string {
  if (nth === 0) return `<circle class="m0" cx="${at(x)}" cy="${at(y)}" r="3.5"/>`
  if (nth === 1) return `<rect class="m1" x="${at(x - 3.5)}" y="${at(y - 3.5)}" width="7" height="7"/>`
  return `<path class="m2" d="M${at(x)} ${at(y - 4.5)}l4.5 8h-9z"/>`
}

function legend(series: readonly Series[]): string[] {
  const y = HEIGHT - 20
  const each = (WIDTH - 24) / series.length
  return series.flatMap(({ title }, nth) => {
    const x = 16 + nth * each
    return [
      `<path class="line s${nth}" d="M${at(x)} ${y - 4}h20"/>`,
      mark(nth, x + 10, y - 4),
      text('quiet', x + 26, y, title),
    ]
  })
}

function text(kind: string, x: number, y: number, content: string, anchor?: 'middle' | 'end'): string {
  return `<text class="${kind}" x="${at(x)}" y="${at(y)}"${anchor ? ` text-anchor="${anchor}"` : ''}>${escaped(content)}</text>`
}

/** `1`, `10k`, `1M`, `0.1`. */
function short(value: number): string {
  if (value >= 1e6) return `${at(value / 1e6)}M`
  if (value >= 1e3) return `${at(value / 1e3)}k`
  return String(Number(value.toPrecision(1)))
}

function at(value: number): string {
  return String(Math.round(value * 10) / 10)
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
