/** A package that `npm ci` would install, replace or remove. */
export interface MissingNpmPackage {
  /** Below the checkout, for example `node_modules/execa`. */
  readonly place: string;
  readonly version: string;
  /** For people. */
  readonly reason: string;
}
export declare const pinnedNode: (root: string) => string;
export declare const missingNpmPackages: (root: string) => MissingNpmPackage[];
