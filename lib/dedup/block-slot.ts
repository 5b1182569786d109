/** A block on its way: where it is gets known when it is compressed and its pack is complete. */
export interface BlockSlot {
  id: string;
  pack: string;
  offset: number;
  recordBytes: number;
  rawBytes: number;
  /** What it is stored as a difference to; these are no differences themselves. */
  bases: readonly BlockSlot[];
}

export const emptySlot = (): BlockSlot => ({ id: '', pack: '', offset: 0, recordBytes: 0, rawBytes: 0, bases: [] });
