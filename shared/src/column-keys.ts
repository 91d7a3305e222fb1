/** Column keys with a meaning. In a file without schemas, so that the reducer brings none into a browser. */
export const DONE_COLUMN_KEY = 'done'
export const IN_PROGRESS_COLUMN_KEY = 'in_progress'
export const REVIEW_COLUMN_KEY = 'review'
