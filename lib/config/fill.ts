/** Values for the placeholders of a tree description. */
export type Facts = Readonly<Record<string, string | boolean>>;

/**
 * Fills `${name}` placeholders.
 *
 * @throws Error for a placeholder without a value: a fault of the description, found by the contract tests
 * @example fill('images/${arch}/${version}', { arch: 'amd64', version: '1.2.3' }) // 'images/amd64/1.2.3'
 */
export const fill = (template: string, facts: Facts): string =>
  template.replaceAll(/\$\{(\w+)\}/g, (placeholder, name: string) => {
    const value = facts[name];
    if (value === undefined) throw new Error(`no value for ${placeholder} in '${template}'`);
    return String(value);
  });

/** Fills each of several templates, for example the words of a command. */
export const fillAll = (templates: readonly string[], facts: Facts): string[] =>
  templates.map((template) => fill(template, facts));
