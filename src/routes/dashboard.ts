import * as z from 'zod'
import { DEFAULT_DASHBOARD_RANGE, dashboardRange, overview } from '../../shared/src/types/dashboard.ts'
import { now } from '../base/clock.ts'
import { dashboardOverview } from '../domain/dashboard.ts'
import type { Api } from './api.ts'
import { exampleOverview } from './examples.ts'
import { channelNamed } from './rights.ts'

const query = z.object({
  range: dashboardRange
    .default(DEFAULT_DASHBOARD_RANGE)
    .meta({ description: 'The time that the overview is about.', examples: ['last_7d'] }),
})

export function registerDashboard(api: Api): void {
  api.get(
    '/dashboard',
    {
      operationId: 'getDashboard',
      tag: 'Dashboard',
      summary: 'Reads the overview of all boards.',
      right: channelNamed('dashboard'),
      query,
      answer: overview,
      example: { answer: exampleOverview },
      errors: [],
    },
    ({ sql, query, subject }) => dashboardOverview(sql, now(), query.range, subject.subscribe),
  )
}
