/**
 * Puts a program and all that it imports into one file.
 *
 * @param entryPoint absolute path of a TypeScript source
 * @param outfile absolute path
 */
export const bundle: (entryPoint: string, outfile: string) => Promise<void>;
