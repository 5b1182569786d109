/** How many of the newest stay, and how old the others must be. */
export interface Limits {
  readonly keep: number;
  readonly minAgeDays: number;
}
