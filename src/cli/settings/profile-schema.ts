import * as z from 'zod'

const setting = z.union([z.string(), z.number(), z.boolean(), z.array(z.union([z.string(), z.number()]))])
export type Setting = z.infer<typeof setting>

/** The file of profiles. The keys of a profile are long options. */
export const profileFile = z.strictObject({
  default: z.string().optional(),
  profiles: z.record(z.string(), z.record(z.string(), setting)).default({}),
})
export type ProfileFile = z.infer<typeof profileFile>
