import { Fault } from './fault.ts';

/**
 * Replaces ${NAME} in a text; a $ without braces stays for the shell of a step.
 * @param text for example --prefix=${DESTDIR}/usr
 * @param variables values by name; they may refer to each other, but not in circles
 * @throws Fault for a name that is not there
 */
export function expandVariables(text: string, variables: Record<string, string>, depth = 0): string {
  if (depth > 8) throw new Fault(`variables refer to each other in a circle: ${text}`);
  return text.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
    const value = variables[name];
    if (value === undefined) {
      throw new Fault(`unknown variable \${${name}}`, `known: ${Object.keys(variables).join(', ')}`);
    }
    return expandVariables(value, variables, depth + 1);
  });
}

/** @returns the part of a version that upstream gave: without epoch, Debian and Skiff revision, 1:1.35.0-4+skiff1 -> 1.35.0 */
export function getUpstreamVersion(version: string): string {
  return version
    .replace(/^\d+:/, '')
    .replace(/\+skiff\d+$/, '')
    .replace(/-[^-]*$/, '');
}
