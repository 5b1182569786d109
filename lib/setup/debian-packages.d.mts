/** A Debian package that the machine needs, outside of containers. */
export interface HostPackage {
  readonly name: string;
  readonly groups: readonly ('nightly' | 'test')[];
  /** `engine`: needed only where there is no container engine yet. */
  readonly for?: 'engine';
  /** For people: what Slipway does with it. */
  readonly why: string;
}
export declare const readHostPackages: (root: string) => HostPackage[];
export declare const dpkgQuery: (packages: readonly HostPackage[]) => string[];
export declare const notInstalled: (packages: readonly HostPackage[], output: string) => HostPackage[];
export declare const findProgram: (name: string, path: string | undefined) => string | undefined;
