/** Documents that `boardcast schema` prints besides the schemas of events. */
export const DOCUMENTS = ['openapi', 'asyncapi'] as const
