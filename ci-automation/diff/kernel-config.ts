import type { Change } from '../../lib/compare/index.ts';

/** Options of a kernel by name; those that are not set are `n`, as the kernel's own tools say it. */
export const parseKernelConfig = (text: string): Map<string, string> => {
  const options = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, unset] = /^# (CONFIG_\w+) is not set$/.exec(line) ?? [];
    const [, name, value = ''] = /^(CONFIG_\w+)=(.*)$/.exec(line) ?? [];
    if (unset !== undefined) options.set(unset, 'n');
    if (name !== undefined) options.set(name, value);
  }
  return options;
};

/** Options that are not the same, by name. */
export const compareKernelConfigs = (before: string, after: string): Change[] => {
  const [left, right] = [parseKernelConfig(before), parseKernelConfig(after)];
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((what) => left.get(what) !== right.get(what))
    .sort((a, b) => (a < b ? -1 : 1))
    .map((what) => ({ what, before: left.get(what), after: right.get(what) }));
};
