import * as z from 'zod'
import { DEFAULT_DASHBOARD_RANGE, dashboardRange } from '../../shared/src/types/dashboard.ts'
import { now } from '../base/clock.ts'
import { dashboardOverview } from '../domain/dashboard.ts'
import type { Api } from './api.ts'
import { channelNamed } from './rights.ts'

const query = z.object({ range: dashboardRange.default(DEFAULT_DASHBOARD_RANGE) })

export function registerDashboard(api: Api): void {
  api.get('/dashboard', { right: channelNamed('dashboard'), query }, ({ sql, query, subject }) =>
    dashboardOverview(sql, now(), query.range, subject.subscribe),
  )
}
