import type { Order } from '../../expect/scenario/scenario.ts'
import type { ApiOptions } from '../api/api.ts'
import type { OutputOptions } from '../process/output.ts'

export interface ExpectOptions extends ApiOptions, OutputOptions {
  readonly board?: string
  readonly channel?: readonly string[]
  readonly since?: string
  readonly within?: number
  readonly settle?: number
  readonly order?: Order
  readonly only?: readonly string[]
  readonly file?: readonly string[]
  readonly junit?: string
  readonly format?: 'pretty' | 'json'
  readonly annotate?: 'github'
  /** `--type`, `--absent` and what belongs to them, in their order. */
  readonly given: readonly GivenOption[]
  readonly cmd: readonly string[]
  /** The options above that come from a profile: what a scenario says precedes them. */
  readonly ofProfile: ReadonlySet<string>
}

export interface GivenOption {
  readonly option: string
  readonly value: string
}
