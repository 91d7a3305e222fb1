/** Who caused an event: the `actor` of its envelope. Events of earlier versions have none. */
export const actor = ['ALTER TABLE events ADD COLUMN actor TEXT']
